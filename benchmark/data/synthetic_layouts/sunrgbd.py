"""Rendered rooms in the layout of SUN RGB-D, for scoring only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.synthetic import render_scene
from benchmark.data.synthetic_layouts.folder import save_jpeg, split_seeds, write_folder

_SENSORS = ("kv1/NYUdata", "kv2/kinect2data", "realsense/lg", "xtion/sun3ddata")


def write_sunrgbd(root: Path, *, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/sunrgbd`` as `write_ade20k` does and returns it."""
    seeds = split_seeds("sunrgbd", "val", val, seed)

    def build(folder: Path) -> None:
        lines = []
        for number, scene_seed in enumerate(seeds, start=1):
            scene, place = render_scene(scene_seed, size), f"SUNRGBD/{_SENSORS[number % len(_SENSORS)]}/{number:04d}"
            names = (f"{place}/image/{number:07d}.jpg", f"{place}/depth/{number:07d}.png")
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
            save_jpeg(scene, folder / names[0])
            Image.fromarray(rotated_millimetres(scene.depth)).save(folder / names[1])
            lines.append(" ".join(names) + "\n")
        (folder / "SUNRGBD_val_splits.txt").write_text("".join(lines), encoding="ascii")

    write_folder(root / "sunrgbd", {"val": val, "seed": seed, "size": list(size)}, build)
    return root / "sunrgbd"


def rotated_millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Returns a depth in metres as the dataset stores it: 16-bit millimetres, rotated to the left by 3 bits."""
    millimetres = np.rint(depth * 1000).astype(np.uint16)
    return millimetres << 3 | millimetres >> 13
