"""Rendered rooms as Cityscapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.data.datasets.cityscapes.train_ids import TRAIN_ID_OF
from benchmark.synthetic.categories import CATEGORIES
from benchmark.synthetic.datasets import split_seeds
from benchmark.synthetic.datasets.cityscapes import LABELS
from benchmark.synthetic.rooms import render_room


def test_labels_come_in_both_numberings_with_a_rim_that_is_not_scored(mini: Path) -> None:
    rendering = render_room(split_seeds("cityscapes", "val", 3)[2], (80, 160))
    stem = mini / "cityscapes/gtFine/val/frankfurt/frankfurt_000001_000019_gtFine"
    ids, train_ids = (np.asarray(Image.open(f"{stem}_{kind}.png")) for kind in ("labelIds", "labelTrainIds"))
    assert set(np.unique(ids[-4:])) | set(np.unique(ids[0])) == {1, 3}
    assert ((train_ids == 255) == ~np.isin(ids, list(TRAIN_ID_OF))).all()
    inside = np.s_[1:-4, 1:-1]
    for index, category in enumerate(CATEGORIES):
        shown = (rendering.category == index)[inside]
        assert np.array_equal(shown, ids[inside] == LABELS[category.name])
        assert np.array_equal(shown, train_ids[inside] == TRAIN_ID_OF[LABELS[category.name]])
    image = np.asarray(Image.open(str(stem).replace("gtFine", "leftImg8bit") + ".png"))
    assert np.array_equal(image, rendering.image)
