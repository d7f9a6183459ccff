"""The part of a depth map that is scored, by the name the field gives it."""

from __future__ import annotations

EVALUATION_CROPS = ("none", "eigen", "garg")


def evaluation_crop(name: str, height: int, width: int) -> tuple[slice, slice]:
    """Returns the rows and columns of a depth map of ``height`` x ``width`` pixels that are scored.

    ``"eigen"`` is rows 45 to 471 and columns 41 to 601, made for the 480 x 640 images of NYU Depth v2 (cleinc/bts
    ``bts_eval.py``) and used unchanged on images of any size, as SUN RGB-D's (Monocular-Depth-Estimation-Toolbox
    ``datasets/sunrgbd.py``); a smaller image ends it. facebookresearch/dinov3 ``eval/depth/datasets/datasets_utils.py``
    scales it with the map, which at 480 x 640 is the same.
    ``"garg"`` is a share of the map, ends rounded down (Garg et al., ECCV 2016, in the decimals of the same toolbox,
    ``datasets/kitti.py``); KITTI applies it to the 352 x 1216 bottom crop. ``"none"`` scores the whole map.

    Raises:
        ValueError: An unknown name, or a map that has no pixel in the crop.

    >>> evaluation_crop("garg", 352, 1216)
    (slice(143, 349, None), slice(43, 1172, None))
    """
    if name == "none":
        rows, columns = slice(0, height), slice(0, width)
    elif name == "eigen":
        rows, columns = slice(45, 471), slice(41, 601)
    elif name == "garg":
        rows = slice(int(0.40810811 * height), int(0.99189189 * height))
        columns = slice(int(0.03594771 * width), int(0.96405229 * width))
    else:
        raise ValueError(f"no evaluation crop {name!r}; known: {', '.join(EVALUATION_CROPS)}")
    if not range(height)[rows] or not range(width)[columns]:
        raise ValueError(
            f"the evaluation crop {name!r} holds no pixel of a {height} x {width} depth map; score it with 'none'"
        )
    return rows, columns
