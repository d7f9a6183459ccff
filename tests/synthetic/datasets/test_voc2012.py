"""Rendered rooms as PASCAL VOC 2012."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.synthetic.categories import CATEGORIES
from benchmark.synthetic.datasets.voc2012 import LABELS, voc2012_mask
from benchmark.synthetic.rooms import render_room
from benchmark.synthetic.surfaces import SOLID_NAMES

COUNTS = {"train": 48, "val": 24}
SIZE = (48, 60)


def test_solids_have_labels_of_their_own_and_the_rest_is_background() -> None:
    assert set(LABELS) == {category.name for category in CATEGORIES}
    assert {name for name, label in LABELS.items() if label} == set(SOLID_NAMES)
    assert len({LABELS[name] for name in SOLID_NAMES}) == len(SOLID_NAMES)
    assert max(LABELS.values()) <= 20


def test_masks_are_palette_images_with_the_official_colors(mini: Path) -> None:
    paths = sorted(mini.glob("voc2012/VOCdevkit/VOC2012/SegmentationClass/*.png"))
    assert len(paths) == sum(COUNTS.values())
    for path in paths:
        with Image.open(path) as file:
            assert (file.mode, file.size) == ("P", (160, 128))
            assert set(np.unique(np.asarray(file))) <= {*range(21), 255}
            palette = np.reshape(file.getpalette(), (-1, 3))
    colors = {0: (0, 0, 0), 5: (128, 0, 128), 16: (0, 64, 0), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert {label: tuple(palette[label].tolist()) for label in colors} == colors


def test_the_border_is_on_the_outlines_of_solids_and_nowhere_else() -> None:
    for seed in range(6):
        rendering = render_room(seed, SIZE)
        mask, instance = voc2012_mask(rendering), rendering.instance
        assert (mask == 255).any()
        for row, column in np.ndindex(SIZE):
            around = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
            inside = [(r, c) for r, c in around if 0 <= r < SIZE[0] and 0 <= c < SIZE[1]]
            outline = any(instance[place] != instance[row, column] for place in inside)
            category = CATEGORIES[rendering.category[row, column]]
            assert mask[row, column] == (255 if outline else LABELS[category.name])


def test_every_label_of_val_occurs_in_train_and_some_pixels_are_border(mini: Path) -> None:
    voc = mini / "voc2012/VOCdevkit/VOC2012"
    for split, count in COUNTS.items():
        stems = (voc / f"ImageSets/Segmentation/{split}.txt").read_text().split()
        masks = [np.asarray(Image.open(voc / f"SegmentationClass/{stem}.png")) for stem in stems]
        assert len(masks) == count and set(np.unique(masks)) == {*LABELS.values(), 255}
        assert 0.001 < np.mean([(mask == 255).mean() for mask in masks]) < 0.1
