"""Which blocks a probe of several layers reads."""

from __future__ import annotations


def quarter_layers(depth: int, *, historic: bool = True) -> tuple[int, int, int, int]:
    """Returns the last block of each quarter of a transformer of ``depth`` blocks, counted from 0.

    DINOv2's and DINOv3's four-layer depth heads read these, except that those of a ViT-L (24 blocks) read 4, 11, 17
    and 23, where the rule says 5, 11, 17 and 23. Its published heads were trained so; DINOv3's code calls it incorrect
    and keeps it. Source: facebookresearch/dinov2 ``hub/depthers.py``, facebookresearch/dinov3
    ``eval/depth/models/encoder.py``.

    Args:
        depth: Number of blocks.
        historic: Whether 24 blocks give the published 4 in place of 5.

    Raises:
        ValueError: Fewer than four blocks.
    """
    if depth < 4:
        raise ValueError(f"four layers need at least 4 blocks, received {depth}; name the layers themselves")
    if historic and depth == 24:
        return 4, 11, 17, 23
    first, second, third, fourth = (quarter * (depth // 4) - 1 for quarter in (1, 2, 3, 4))
    return first, second, third, fourth
