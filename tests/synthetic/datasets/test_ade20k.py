"""Rendered rooms as ADE20K."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.synthetic.categories import CATEGORIES
from benchmark.synthetic.datasets import split_seeds
from benchmark.synthetic.datasets.ade20k import LABELS
from benchmark.synthetic.rooms import render_room


def test_every_category_has_a_label_of_its_own() -> None:
    assert set(LABELS) == {category.name for category in CATEGORIES}
    assert len(set(LABELS.values())) == len(LABELS)


def test_annotations_are_grey_and_within_the_150_classes(mini: Path) -> None:
    paths = sorted(mini.glob("ade20k/ADEChallengeData2016/annotations/*/*.png"))
    assert len(paths) == 48 + 24
    for path in paths:
        with Image.open(path) as file:
            assert (file.mode, file.size) == ("L", (160, 128))
            assert np.asarray(file).max() <= 150


def test_an_annotation_is_the_category_of_the_rendering(mini: Path) -> None:
    rendering = render_room(split_seeds("ade20k", "val", 2)[1])
    folder = mini / "ade20k/ADEChallengeData2016"
    ids = np.asarray(Image.open(folder / "annotations/validation/ADE_val_00000002.png"))
    for index, category in enumerate(CATEGORIES):
        assert np.array_equal(rendering.category == index, ids == LABELS[category.name])
    image = np.asarray(Image.open(folder / "images/validation/ADE_val_00000002.jpg"), np.float64)
    assert abs(image - rendering.image).mean() < 6  # JPEG halves the resolution of colour


def test_some_pixels_are_ignored(mini: Path) -> None:
    annotations = [np.asarray(Image.open(p)) for p in mini.glob("ade20k/*/annotations/validation/*.png")]
    assert 0.001 < np.mean([(labels == 0).mean() for labels in annotations]) < 0.1


def test_every_category_of_val_occurs_in_train(mini: Path) -> None:
    for split in ("training", "validation"):
        annotations = [np.asarray(Image.open(p)) for p in mini.glob(f"ade20k/*/annotations/{split}/*.png")]
        assert set(np.unique(annotations)) == set(LABELS.values())
