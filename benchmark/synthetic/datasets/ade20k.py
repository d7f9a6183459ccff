"""Rendered rooms in the layout of ADE20K."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.synthetic.categories import label_table
from benchmark.synthetic.datasets.writer import DatasetWriter, save_jpeg, save_png
from benchmark.synthetic.rendering import Rendering
from benchmark.synthetic.rooms import render_room

LABELS = {
    **{"other": 0, "wall": 1, "floor": 4, "painting": 23, "rug": 29},
    **{"ball": 120, "box": 42, "barrel": 112, "tent": 115},
}
"""Value of each category in an annotation: ``Idx`` of ``objectInfo150.txt``, 0 for "other"."""

_TABLE = label_table(LABELS)


def ade20k_annotation(rendering: Rendering) -> NDArray[np.uint8]:
    """Returns the annotation (H, W)."""
    return _TABLE[rendering.category]


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    for split, folder in (("train", "training"), ("val", "validation")):
        for number, seed in enumerate(seeds[split], start=1):
            rendering, stem = render_room(seed, size), f"ADE_{split}_{number:08d}"
            save_jpeg(rendering.image, root / "images" / folder / f"{stem}.jpg")
            save_png(ade20k_annotation(rendering), root / "annotations" / folder / f"{stem}.png")


WRITER = DatasetWriter("ade20k", _write, layout="ADEChallengeData2016")
