"""Rendered rooms in the layout of NYU Depth v2."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmark.synthetic.datasets.writer import DatasetWriter, save_depth, save_jpeg, save_lines
from benchmark.synthetic.rooms import render_room

_IMAGES_PER_SCENE = 16


def _write(root: Path, seeds: Mapping[str, range], size: tuple[int, int]) -> None:
    """Numbers the folders of training scenes and begins lines of the training list with "/", as in the official set."""
    for split, name, scene, slash in (("train", "train", "room_{:04d}", "/"), ("val", "test", "room", "")):
        lines = []
        for number, seed in enumerate(seeds[split]):
            folder = scene.format(number // _IMAGES_PER_SCENE + 1)
            image, depth = f"{folder}/rgb_{number + 1:05d}.jpg", f"{folder}/sync_depth_{number + 1:05d}.png"
            rendering = render_room(seed, size)
            save_jpeg(rendering.image, root / image)
            save_depth(rendering.depth, root / depth, per_metre=1000)
            lines.append(f"{slash}{image} {slash}{depth} 518.8579")
        save_lines(lines, root / f"nyu_{name}.txt")


WRITER = DatasetWriter("nyu", _write, layout="nyu_depth_v2")
