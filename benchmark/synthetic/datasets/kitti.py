"""Rendered rooms, the size of streets, in the layout of KITTI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.synthetic.datasets.writer import DatasetWriter, save_depth, save_lines, save_png
from benchmark.synthetic.rendering import Rendering
from benchmark.synthetic.rooms import render_room

_IMAGES_PER_DRIVE = 16
_SCALE = 10  # depths of 12 to 76 m
_SKY = 0.3  # share of the rows, at the top, that a LiDAR never reaches
_MEASURED = 0.2  # share of all pixels; 0.18 to 0.21 in the sample files of the official set


def lidar_depth(rendering: Rendering, seed: int) -> NDArray[np.float32]:
    """Returns ten times the depth (H, W) at a random fifth of the pixels, none near the top, and 0 elsewhere."""
    shape = rendering.depth.shape
    measured = np.random.default_rng(seed).random(shape) < _MEASURED / (1 - _SKY)
    measured[: round(_SKY * shape[0])] = False
    return np.where(measured, _SCALE * rendering.depth, np.float32(0))


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    """Writes rooms ten times as large, with depths as sparse as a LiDAR's.

    The test list ends with the first training image and ``None`` for its depth: a line that a reader skips, as 45 lines
    of the official list.
    """
    lines: dict[str, list[str]] = {split: [] for split in seeds}
    for split, first in (("train", 1), ("val", 101)):
        for number, seed in enumerate(seeds[split]):
            drive = f"2011_09_26_drive_{first + number // _IMAGES_PER_DRIVE:04d}_sync"
            image = f"2011_09_26/{drive}/image_02/data/{number:010d}.png"
            depth = f"{drive}/proj_depth/groundtruth/image_02/{number:010d}.png"
            rendering = render_room(seed, size)
            save_png(rendering.image, root / "input" / image, compress_level=1)
            save_depth(lidar_depth(rendering, seed), root / "gt_depth" / depth, per_metre=256)
            lines[split].append(f"{image} {depth} 721.5377")
    lines["val"].append(f"{lines['train'][0].split()[0]} None 721.5377")
    save_lines(lines["train"], root / "kitti_eigen_train.txt")
    save_lines(lines["val"], root / "kitti_eigen_test.txt")


WRITER = DatasetWriter("kitti", _write, size=(120, 304))
