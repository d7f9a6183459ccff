"""Rendered rooms as ImageNet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.data.classification import ClassificationSplit
from benchmark.data.registry import DATASETS
from benchmark.synthetic.datasets.imagenet import CLASSES, in_front, render_object
from benchmark.synthetic.rendering import render
from benchmark.synthetic.rooms import random_room


def test_the_class_of_a_picture_is_the_object_in_front() -> None:
    for seed, (shape, texture) in enumerate(CLASSES):
        scene = in_front(random_room(np.random.default_rng(seed), 0.8, shape), texture)
        assert (scene.solids[0].category, scene.solids[0].material.texture) == (shape, texture)
        assert all(solid.z > scene.solids[0].z for solid in scene.solids[1:])
        rendering = render(scene, (128, 160))
        picture = render_object(seed, seed, (128, 160))
        assert (rendering.instance == 1).sum() > 0.2 * picture.shape[0] * picture.shape[1]
        matches = [
            (top, left)
            for top in range(129 - picture.shape[0])
            for left in range(161 - picture.shape[1])
            if np.array_equal(rendering.image[top, left : left + 9], picture[0, :9])
        ]
        [(top, left)] = matches
        inside = (rendering.instance == 1)[top : top + picture.shape[0], left : left + picture.shape[1]]
        assert inside.sum() == (rendering.instance == 1).sum()


def test_the_classes_can_be_told_apart_but_not_by_chance_or_colour_alone(mini: Path) -> None:
    """Nearest neighbour on 8 x 8 raw pixels: above the eighth that guessing gives, far from all."""
    features = {}
    splits = {name: ClassificationSplit(DATASETS["imagenet"], mini, name) for name in ("train", "val")}
    for name, split in splits.items():
        small = [np.asarray(Image.fromarray(split.load(i)).resize((8, 8))) for i in range(len(split))]
        features[name] = np.reshape(small, (len(split), -1)).astype(float)
    assert {name: np.bincount(split.labels).tolist() for name, split in splits.items()} == {
        "train": [12] * 8,
        "val": [6] * 8,
    }
    distance = ((features["val"][:, None] - features["train"][None]) ** 2).sum(-1)
    hits = splits["train"].labels[distance.argmin(1)] == splits["val"].labels
    assert 0.15 < hits.mean() < 0.8
