"""Rendered rooms in the layout of ImageNet: the object in front is the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.synthetic.datasets.writer import DatasetWriter, save_jpeg
from benchmark.synthetic.rendering import Scene, render
from benchmark.synthetic.rooms import random_room
from benchmark.synthetic.surfaces import SOLID_NAMES

CLASSES = tuple((shape, texture) for shape in SOLID_NAMES for texture in ("stripes", "spots"))
"""Shape and texture of the object of class n00000001, n00000002 and so on."""


def render_object(seed: int, label: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Renders a part of a room with an object of class ``label`` in front: RGB (H, W, 3), smaller than ``size``."""
    rng = np.random.default_rng(seed)
    shape, texture = CLASSES[label]
    rendering = render(in_front(random_room(rng, size[0] / size[1], shape), texture), size)
    rows, columns = np.nonzero(rendering.instance == 1)
    return rendering.image[_span(rng, rows, size[0]), _span(rng, columns, size[1])]


def in_front(scene: Scene, texture: str) -> Scene:
    """Gives the first solid the texture and removes those that may hide it."""
    first = replace(scene.solids[0], material=replace(scene.solids[0].material, texture=texture))
    return replace(scene, solids=(first, *(solid for solid in scene.solids[1:] if solid.z > first.z)))


def _span(rng: np.random.Generator, pixels: NDArray[np.intp], length: int) -> slice:
    """Draws a span that holds the coordinates ``pixels`` and up to as much again, within ``length``."""
    low, high = int(pixels.min()), int(pixels.max()) + 1
    wanted = min(round((high - low) * rng.uniform(1.1, 2.0)), length)
    start = int(np.clip(rng.integers(high - wanted, low + 1), 0, length - wanted))
    return slice(start, start + wanted)


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    """Writes pictures of different sizes, which are parts of rooms of ``size`` around the object."""
    for split, split_seeds in seeds.items():
        for number, seed in enumerate(split_seeds):
            repeat, label = divmod(number, len(CLASSES))
            name = f"n{label + 1:08d}"
            stem = f"{name}_{repeat + 1}" if split == "train" else f"ILSVRC2012_val_{number + 1:08d}"
            save_jpeg(render_object(seed, label, size), root / split / name / f"{stem}.JPEG")


def _rooms(images: int) -> int:
    """Each class has a quarter of the images asked for, rounded up."""
    return -(-images // 4) * len(CLASSES)


WRITER = DatasetWriter("imagenet", _write, rooms=_rooms)
