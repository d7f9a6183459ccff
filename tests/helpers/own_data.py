"""Small datasets of one's own, drawn here: photographs of coloured areas with label maps, depth maps and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = ((90, 60, 40), (200, 60, 60), (40, 160, 70), (240, 240, 250))
"""Of what is seen, by label."""

ROOFS = """kind = "segmentation"
classes = ["ground", "roof", "tree"]
ignore = [255]
[splits.train]
images = "roofs/images/train"
labels = "roofs/labels/train"
[splits.val]
images = "roofs/images/val"
labels = "roofs/labels/val"
"""

YARD = """kind = "depth"
per_metre = 1000
range = [0.1, 10]
[splits.train]
images = "yard/images/train"
depths = "yard/depths/train"
[splits.val]
images = "yard/images/val"
depths = "yard/depths/val"
"""

BIRDS = """kind = "classification"
[splits.train]
images = "birds/train"
[splits.val]
images = "birds/val"
"""

SPECIES = ("crow", "kite", "wren")


def write_roofs(
    root: Path, *, counts: Mapping[str, int] | None = None, size: tuple[int, int] = (48, 64), classes: int = 3
) -> Path:
    """Writes photographs with grey label maps below ``root/roofs`` and the description beside; returns its path."""
    for split, count in (counts or {"train": 6, "val": 3}).items():
        for number in range(count):
            rng = _draws(split, number)
            labels = _areas(rng, size, classes)
            labels[:3] = 255
            _save(_seen(rng, np.minimum(labels, 3)), root / f"roofs/images/{split}/{split}_{number}.png")
            _save(labels, root / f"roofs/labels/{split}/{split}_{number}.png")
    return describe(root / "roofs.toml", ROOFS)


def write_yard(root: Path, *, size: tuple[int, int] = (120, 128)) -> Path:
    """Writes photographs with 16-bit depth maps, in millimetres, below ``root/yard``, and their description."""
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            rng = _draws(split, number)
            labels = _areas(rng, size, 3)
            depth = (1000 + 2000 * labels.astype(np.uint16) + rng.integers(0, 300, size)).astype(np.uint16)
            depth[:3] = 0
            _save(_seen(rng, labels), root / f"yard/images/{split}/{split}_{number}.png")
            _save(depth, root / f"yard/depths/{split}/{split}_{number}.png")
    return describe(root / "yard.toml", YARD)


def write_birds(root: Path, *, train: int = 5, val: int = 2, species: Sequence[str] = SPECIES) -> Path:
    """Writes class folders of photographs below ``root/birds``, and their description."""
    for split, count in (("train", train), ("val", val)):
        for place, name in enumerate(species):
            for number in range(count):
                rng = _draws(split, 10 * number + place)
                labels = np.full((72, 80), place % len(COLOURS), np.uint8)
                _save(_seen(rng, labels), root / f"birds/{split}/{name}/{split}_{name}_{number}.png")
    return describe(root / "birds.toml", BIRDS)


def describe(path: Path, text: str) -> Path:
    """Writes a description; returns its path."""
    path.write_text(text, "utf-8")
    return path


def _draws(split: str, number: int) -> np.random.Generator:
    return np.random.default_rng([len(split), number])


def _areas(rng: np.random.Generator, size: tuple[int, int], classes: int) -> NDArray[np.uint8]:
    """Returns (H, W) labels: a field of 0 with a rectangle of each other class."""
    labels = np.zeros(size, np.uint8)
    for label in range(1, classes):
        top, left = (int(rng.integers(0, side // 2)) for side in size)
        labels[top : top + size[0] // 2, left : left + size[1] // 2] = label
    return labels


def _seen(rng: np.random.Generator, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a photograph (H, W, 3) of labels: their colours with noise."""
    colours = np.array(COLOURS, np.int16)[labels]
    return (colours + rng.integers(-20, 20, colours.shape)).clip(0, 255).astype(np.uint8)


def _save(pixels: NDArray[np.integer], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
