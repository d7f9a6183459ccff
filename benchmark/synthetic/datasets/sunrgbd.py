"""Rendered rooms in the layout of SUN RGB-D, for scoring only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.synthetic.datasets.writer import DatasetWriter, save_jpeg, save_lines, save_png
from benchmark.synthetic.rooms import render_room

_SENSORS = ("kv1/NYUdata", "kv2/kinect2data", "realsense/lg", "xtion/sun3ddata")


def rotated_millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Returns a depth in metres as the dataset stores it: 16-bit millimetres, rotated to the left by 3 bits."""
    millimetres = np.rint(depth * 1000).astype(np.uint16)
    return millimetres << 3 | millimetres >> 13


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    lines = []
    for number, seed in enumerate(seeds["val"], start=1):
        folder = f"SUNRGBD/{_SENSORS[number % len(_SENSORS)]}/{number:04d}"
        image, depth = f"{folder}/image/{number:07d}.jpg", f"{folder}/depth/{number:07d}.png"
        rendering = render_room(seed, size)
        save_jpeg(rendering.image, root / image)
        save_png(rotated_millimetres(rendering.depth), root / depth)
        lines.append(f"{image} {depth}")
    save_lines(lines, root / "SUNRGBD_val_splits.txt")


WRITER = DatasetWriter("sunrgbd", _write, splits=("val",))
