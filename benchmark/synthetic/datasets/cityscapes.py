"""Rendered rooms in the layout of Cityscapes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.data.datasets.cityscapes.train_ids import IDS, TRAIN_IDS, train_ids
from benchmark.synthetic.categories import label_table
from benchmark.synthetic.datasets.writer import DatasetWriter, save_png
from benchmark.synthetic.rendering import Rendering
from benchmark.synthetic.rooms import render_room

LABELS = {
    **{"other": 23, "wall": 11, "floor": 7, "painting": 20, "rug": 8},
    **{"ball": 26, "box": 28, "barrel": 17, "tent": 21},
}
"""Value of each category in ``labelIds``; all of them are scored."""

_TABLE = label_table(LABELS)
_CITIES = {"train": ("aachen", "bochum", "ulm"), "val": ("frankfurt", "lindau")}
_EGO_VEHICLE, _OUT_OF_ROI = 1, 3


def cityscapes_ids(rendering: Rendering) -> NDArray[np.uint8]:
    """Returns the ``labelIds`` (H, W), with a rim and a strip at the bottom that are not scored, as in the real set."""
    ids = _TABLE[rendering.category]
    ids[-4:] = _EGO_VEHICLE
    ids[:, [0, -1]] = ids[[0, -1]] = _OUT_OF_ROI
    return ids


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    """Distributes the images of a split over its cities."""
    for split, cities in _CITIES.items():
        for number, seed in enumerate(seeds[split]):
            sequence, city = divmod(number, len(cities))
            stem = f"{split}/{cities[city]}/{cities[city]}_{sequence:06d}_000019"
            rendering = render_room(seed, size)
            ids = cityscapes_ids(rendering)
            save_png(rendering.image, root / "leftImg8bit" / f"{stem}_leftImg8bit.png", compress_level=1)
            save_png(ids, root / "gtFine" / f"{stem}{IDS}")
            save_png(train_ids(ids), root / "gtFine" / f"{stem}{TRAIN_IDS}")


WRITER = DatasetWriter("cityscapes", _write, size=(80, 160))
