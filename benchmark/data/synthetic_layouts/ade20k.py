"""Rendered rooms in the layout of ADE20K."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.synthetic import CATEGORIES, Scene, render_scene
from benchmark.data.synthetic_layouts.folder import make, save_jpeg, split_seeds, write_folder

_IDS = np.array([category.ade20k_id for category in CATEGORIES], np.uint8)


def write_ade20k(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/ade20k``; no scene occurs twice, nor in another split or dataset of the same seed.

    Args:
        root: Folder that holds all datasets; created where missing.
        train: Number of training images, at least 1.
        val: Number of validation images, at least 1.
        seed: Non-negative; other seeds give other scenes.
        size: Height and width of the images in pixels.

    Returns:
        ``root/ade20k/ADEChallengeData2016``.

    Raises:
        ValueError: A count or seed out of range.
        DataError: ``root/ade20k`` exists and was not written by this function.
    """
    seeds = {split: split_seeds("ade20k", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        for split, long_name in (("train", "training"), ("val", "validation")):
            images = make(folder / "ADEChallengeData2016" / "images" / long_name)
            annotations = make(folder / "ADEChallengeData2016" / "annotations" / long_name)
            for number, scene_seed in enumerate(seeds[split], start=1):
                scene, stem = render_scene(scene_seed, size), f"ADE_{split}_{number:08d}"
                save_jpeg(scene, images / f"{stem}.jpg")
                Image.fromarray(ade20k_annotation(scene)).save(annotations / f"{stem}.png")

    write_folder(root / "ade20k", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "ade20k" / "ADEChallengeData2016"


def ade20k_annotation(scene: Scene) -> NDArray[np.uint8]:
    """Returns the ADE20K annotation (H, W): 0 for "other", else the number in ``objectInfo150.txt``."""
    return _IDS[scene.category]
