"""Rendered rooms, the size of streets, in the layout of KITTI."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.synthetic import Scene, render_scene
from benchmark.data.synthetic_layouts.folder import make, save_depth, split_seeds, write_folder

_IMAGES_PER_DRIVE = 16
_SCALE = 10  # depths of 12 to 76 m
_SKY = 0.3  # share of the rows, at the top, that a LiDAR never reaches
_MEASURED = 0.2  # share of all pixels; 0.18 to 0.21 in the sample files of the official set


def write_kitti(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (120, 304)) -> Path:
    """Writes ``root/kitti`` as `write_ade20k` does and returns it.

    The rooms are ten times as large and their depth is as sparse as a LiDAR's (`lidar_depth`). The test list ends with
    the first training image and ``None`` for its depth: a line that a reader skips, as 45 lines of the official list.
    """
    seeds = {split: split_seeds("kitti", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        lines: dict[str, list[str]] = {}
        for split, first in (("train", 1), ("val", 101)):
            lines[split] = []
            for number, scene_seed in enumerate(seeds[split]):
                drive = f"2011_09_26_drive_{first + number // _IMAGES_PER_DRIVE:04d}_sync"
                images, depths = f"2011_09_26/{drive}/image_02/data", f"{drive}/proj_depth/groundtruth/image_02"
                if number % _IMAGES_PER_DRIVE == 0:
                    make(folder / "input" / images)
                    make(folder / "gt_depth" / depths)
                scene, name = render_scene(scene_seed, size), f"{number:010d}.png"
                Image.fromarray(scene.image).save(folder / "input" / images / name, compress_level=1)
                save_depth(lidar_depth(scene, scene_seed), folder / "gt_depth" / depths / name, per_metre=256)
                lines[split].append(f"{images}/{name} {depths}/{name} 721.5377\n")
        lines["val"].append(f"{lines['train'][0].split()[0]} None 721.5377\n")
        for split, name in (("train", "train"), ("val", "test")):
            (folder / f"kitti_eigen_{name}.txt").write_text("".join(lines[split]), encoding="ascii")

    write_folder(root / "kitti", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "kitti"


def lidar_depth(scene: Scene, seed: int) -> NDArray[np.float32]:
    """Returns ten times the depth (H, W) at a random fifth of the pixels, none near the top, and 0 elsewhere."""
    height = scene.depth.shape[0]
    measured = np.random.default_rng(seed).random(scene.depth.shape) < _MEASURED / (1 - _SKY)
    measured[: round(_SKY * height)] = False
    return np.where(measured, _SCALE * scene.depth, np.float32(0))
