"""Rendered rooms in the layout of PASCAL VOC 2012."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.palettes import voc_palette
from benchmark.data.synthetic import CATEGORIES, Scene, render_scene
from benchmark.data.synthetic_layouts.folder import make, save_jpeg, split_seeds, write_folder

_IDS = np.array([category.voc_id for category in CATEGORIES], np.uint8)
_BORDER = 255
_FIRST_VAL = 500_001


def write_voc2012(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/voc2012`` as `write_ade20k` does and returns ``root/voc2012/VOCdevkit/VOC2012``."""
    seeds = {split: split_seeds("voc2012", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        voc = folder / "VOCdevkit" / "VOC2012"
        images, masks = make(voc / "JPEGImages"), make(voc / "SegmentationClass")
        lists = make(voc / "ImageSets" / "Segmentation")
        names: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}
        for split, first in (("train", 1), ("val", _FIRST_VAL)):
            for number, scene_seed in enumerate(seeds[split], start=first):
                scene, stem = render_scene(scene_seed, size), f"2007_{number:06d}"
                save_jpeg(scene, images / f"{stem}.jpg")
                mask = Image.fromarray(voc2012_mask(scene))
                mask.putpalette(voc_palette().tobytes())
                mask.save(masks / f"{stem}.png")
                names[split].append(stem)
                names["trainval"].append(stem)
        for name, stems in names.items():
            (lists / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems), encoding="ascii")

    write_folder(root / "voc2012", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "voc2012" / "VOCdevkit" / "VOC2012"


def voc2012_mask(scene: Scene) -> NDArray[np.uint8]:
    """Returns the VOC2012 mask (H, W): 0 for background, 1..20, and 255 on both sides of every outline.

    An outline runs between neighbours, below or beside, that belong to different solids or to a solid and the
    background.
    """
    mask = _IDS[scene.category]
    vertical = scene.instance[1:] != scene.instance[:-1]
    horizontal = scene.instance[:, 1:] != scene.instance[:, :-1]
    mask[1:][vertical] = mask[:-1][vertical] = _BORDER
    mask[:, 1:][horizontal] = mask[:, :-1][horizontal] = _BORDER
    return mask
