"""What the writers share: a folder that is there whole or not at all, seeds of scenes, and image files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.synthetic import Scene
from benchmark.errors import DataError

VERSION = 2
"""To be raised whenever the rendered scenes or the files change, so that older folders are written anew."""

_MARKER = "SYNTHETIC.json"
_SPLITS = (
    *(f"{name}/{split}" for name in ("ade20k", "voc2012", "nyu", "kitti") for split in ("train", "val")),
    *("cityscapes/train", "cityscapes/val", "sunrgbd/val", "imagenet/train", "imagenet/val"),
)
_SEEDS_PER_SPLIT = 100_000
_SEEDS_PER_RUN = 16 * _SEEDS_PER_SPLIT


def split_seeds(dataset: str, split: str, count: int, seed: int = 0) -> range:
    """Returns the seeds of the scenes of a split; those of different splits or runs never overlap.

    Raises:
        ValueError: An unknown split, a negative seed, or a count outside 1..100,000.
    """
    name = f"{dataset}/{split}"
    if name not in _SPLITS:
        raise ValueError(f"`dataset/split` must be one of {', '.join(_SPLITS)}. Received {name!r}.")
    if not 1 <= count <= _SEEDS_PER_SPLIT:
        raise ValueError(f"`{split}` must be within 1..{_SEEDS_PER_SPLIT} images. Received {count}.")
    if seed < 0:
        raise ValueError(f"`seed` must not be negative. Received {seed}.")
    start = seed * _SEEDS_PER_RUN + _SPLITS.index(name) * _SEEDS_PER_SPLIT
    return range(start, start + count)


def write_folder(folder: Path, settings: dict[str, object], build: Callable[[Path], None]) -> None:
    """Brings ``folder`` to the given settings, with all files or not at all."""
    marker = json.dumps({"version": VERSION, **settings}, indent=2) + "\n"
    if folder.exists():
        if not (folder / _MARKER).is_file():
            raise DataError(f"{folder} exists and holds no {_MARKER}, so it may be real data; choose another data root")
        if (folder / _MARKER).read_text(encoding="ascii") == marker:
            return
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        make(staging)
        build(staging)
        (staging / _MARKER).write_text(marker, encoding="ascii")
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def make(folder: Path) -> Path:
    """Makes a folder that is not there yet and returns it."""
    folder.mkdir(parents=True)
    return folder


def save_jpeg(scene: Scene, path: Path) -> None:
    """Writes a scene's image as JPEG."""
    Image.fromarray(scene.image).save(path, quality=95)


def save_depth(depth: NDArray[np.float32], path: Path, *, per_metre: int) -> None:
    """Writes a depth map (H, W) in metres as 16-bit PNG of ``per_metre`` units to the metre."""
    Image.fromarray(np.rint(depth * per_metre).astype(np.uint16)).save(path)
