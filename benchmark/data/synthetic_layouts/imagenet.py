"""Rendered rooms in the layout of ImageNet: the object in front is the class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.synthetic import SOLID_NAMES, World, draw_world, render_world
from benchmark.data.synthetic_layouts.folder import make, split_seeds, write_folder

CLASSES = tuple((shape, texture) for shape in SOLID_NAMES for texture in ("stripes", "spots"))
"""Shape and texture of the object of class n00000001, n00000002 and so on."""


def write_imagenet(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/imagenet`` as `write_ade20k` does and returns it.

    Each of the eight classes has a quarter of ``train`` and ``val`` images, rounded up. The pictures are parts of
    scenes of ``size`` around the object, and differ in size.
    """
    per_class = {"train": -(-train // 4), "val": -(-val // 4)}
    seeds = {split: split_seeds("imagenet", split, n * len(CLASSES), seed) for split, n in per_class.items()}

    def build(folder: Path) -> None:
        names = [f"n{number:08d}" for number in range(1, len(CLASSES) + 1)]
        for split, of_split in seeds.items():
            for name in names:
                make(folder / split / name)
            for number, scene_seed in enumerate(of_split):
                turn, label = divmod(number, len(CLASSES))
                stem = f"{names[label]}_{turn + 1}" if split == "train" else f"ILSVRC2012_val_{number + 1:08d}"
                image = Image.fromarray(render_object(scene_seed, label, size))
                image.save(folder / split / names[label] / f"{stem}.JPEG", "JPEG", quality=95)

    write_folder(root / "imagenet", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "imagenet"


def render_object(seed: int, label: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Renders a part of a room with an object of class ``label`` in front: RGB (H, W, 3), smaller than ``size``."""
    rng = np.random.default_rng(seed)
    shape, texture = CLASSES[label]
    world = _in_front(draw_world(rng, size[0] / size[1], shape), texture)
    scene = render_world(world, size)
    rows, columns = np.nonzero(scene.instance == 1)
    spans = [_span(rng, places, length) for places, length in ((rows, size[0]), (columns, size[1]))]
    return scene.image[spans[0], spans[1]]


def _in_front(world: World, texture: str) -> World:
    """Gives the first solid the texture and removes those that may hide it."""
    first = replace(world.solids[0], material=replace(world.solids[0].material, texture=texture))
    return replace(world, solids=(first, *(solid for solid in world.solids[1:] if solid.z > first.z)))


def _span(rng: np.random.Generator, places: NDArray[np.intp], length: int) -> slice:
    """Draws a span of pixels that holds ``places`` and up to as much again, within ``length``."""
    low, high = int(places.min()), int(places.max()) + 1
    wanted = min(round((high - low) * rng.uniform(1.1, 2.0)), length)
    start = int(np.clip(rng.integers(high - wanted, low + 1), 0, length - wanted))
    return slice(start, start + wanted)
