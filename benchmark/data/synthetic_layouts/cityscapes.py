"""Rendered rooms in the layout of Cityscapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.cityscapes_labels import IDS, TRAIN_IDS, train_ids
from benchmark.data.synthetic import CATEGORIES, Scene, render_scene
from benchmark.data.synthetic_layouts.folder import split_seeds, write_folder

_LABELS = np.array([category.cityscapes_id for category in CATEGORIES], np.uint8)
_CITIES = {"train": ("aachen", "bochum", "ulm"), "val": ("frankfurt", "lindau")}
_EGO_VEHICLE = 1
_OUT_OF_ROI = 3


def write_cityscapes(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (80, 160)) -> Path:
    """Writes ``root/cityscapes`` as `write_ade20k` does and returns it; the images are shared out among some cities."""
    seeds = {split: split_seeds("cityscapes", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        for split, cities in _CITIES.items():
            for number, scene_seed in enumerate(seeds[split]):
                turn, place = divmod(number, len(cities))
                stem = f"{cities[place]}_{turn:06d}_000019"
                images, labels = (folder / kind / split / cities[place] for kind in ("leftImg8bit", "gtFine"))
                for path in (images, labels):
                    path.mkdir(parents=True, exist_ok=True)
                scene = render_scene(scene_seed, size)
                ids = cityscapes_ids(scene)
                Image.fromarray(scene.image).save(images / f"{stem}_leftImg8bit.png", compress_level=1)
                Image.fromarray(ids).save(labels / f"{stem}{IDS}")
                Image.fromarray(train_ids(ids)).save(labels / f"{stem}{TRAIN_IDS}")

    write_folder(root / "cityscapes", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "cityscapes"


def cityscapes_ids(scene: Scene) -> NDArray[np.uint8]:
    """Returns the ``labelIds`` (H, W), with a rim and a strip at the bottom that are not scored, as in the real set."""
    ids = _LABELS[scene.category]
    ids[-4:] = _EGO_VEHICLE
    ids[:, [0, -1]] = ids[[0, -1]] = _OUT_OF_ROI
    return ids
