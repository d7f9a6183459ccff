"""Rendered rooms in the layout of PASCAL VOC 2012."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.data.palettes import voc_palette
from benchmark.synthetic.categories import label_table
from benchmark.synthetic.datasets.writer import DatasetWriter, save_jpeg, save_lines, save_png
from benchmark.synthetic.rendering import Rendering
from benchmark.synthetic.rooms import render_room

LABELS = {
    **{"other": 0, "wall": 0, "floor": 0, "painting": 0, "rug": 0},
    **{"ball": 17, "box": 20, "barrel": 5, "tent": 16},  # sheep, tvmonitor, bottle, pottedplant
}
"""Value of each category in a mask: 0 for background, otherwise one of the 20 object classes."""

_TABLE = label_table(LABELS)
_BORDER = 255


def voc2012_mask(rendering: Rendering) -> NDArray[np.uint8]:
    """Returns the mask (H, W): 0 for background, 1..20, and 255 on both sides of every outline.

    An outline runs between neighbours, below or beside, that belong to different solids or to a solid and the
    background.
    """
    mask, instance = _TABLE[rendering.category], rendering.instance
    vertical = instance[1:] != instance[:-1]
    horizontal = instance[:, 1:] != instance[:, :-1]
    mask[1:][vertical] = mask[:-1][vertical] = _BORDER
    mask[:, 1:][horizontal] = mask[:, :-1][horizontal] = _BORDER
    return mask


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    stems: dict[str, list[str]] = {}
    for split, first in (("train", 1), ("val", 500_001)):
        stems[split] = [f"2007_{number:06d}" for number in range(first, first + len(seeds[split]))]
        for stem, seed in zip(stems[split], seeds[split], strict=True):
            rendering = render_room(seed, size)
            save_jpeg(rendering.image, root / "JPEGImages" / f"{stem}.jpg")
            save_png(voc2012_mask(rendering), root / "SegmentationClass" / f"{stem}.png", palette=voc_palette())
    for name, listed in {**stems, "trainval": stems["train"] + stems["val"]}.items():
        save_lines(listed, root / "ImageSets" / "Segmentation" / f"{name}.txt")


WRITER = DatasetWriter("voc2012", _write, layout="VOCdevkit/VOC2012")
