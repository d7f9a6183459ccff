"""Writes rendered rooms in the official folder layouts of ADE20K, VOC2012, NYU Depth v2 and KITTI.

    ade20k/SYNTHETIC.json
    ade20k/ADEChallengeData2016/images/{training,validation}/ADE_{train,val}_00000001.jpg
    ade20k/ADEChallengeData2016/annotations/{training,validation}/ADE_{train,val}_00000001.png     0 = other
    voc2012/SYNTHETIC.json
    voc2012/VOCdevkit/VOC2012/JPEGImages/2007_000001.jpg
    voc2012/VOCdevkit/VOC2012/SegmentationClass/2007_000001.png                palette; 0..20, 255 = border
    voc2012/VOCdevkit/VOC2012/ImageSets/Segmentation/{train,val,trainval}.txt
    nyu/SYNTHETIC.json
    nyu/nyu_depth_v2/<scene>/{rgb_00001.jpg,sync_depth_00001.png}              16 bits, millimetres
    nyu/nyu_depth_v2/nyu_{train,test}.txt                                      train lines begin with "/"
    kitti/SYNTHETIC.json
    kitti/input/2011_09_26/<drive>/image_02/data/0000000000.png
    kitti/gt_depth/<drive>/proj_depth/groundtruth/image_02/0000000000.png      16 bits, 1/256 m, four fifths are 0
    kitti/kitti_eigen_{train,test}.txt                                         the last test line has no depth map

``SYNTHETIC.json`` holds the settings. A dataset is built in a folder beside its place and renamed when
complete, so a folder that exists is whole. One with the same settings is kept, one with others is replaced,
and a folder without ``SYNTHETIC.json`` may hold real data and is refused. The same settings give the same
bytes, up to the versions of numpy and Pillow.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.synthetic import CATEGORIES, Scene, render_scene
from benchmark.errors import DataError

VERSION = 1
"""To be raised whenever the rendered scenes or the files change, so that older folders are written anew."""

VOC_BORDER = 255
_MARKER = "SYNTHETIC.json"
_SPLITS = tuple(f"{name}/{split}" for name in ("ade20k", "voc2012", "nyu", "kitti") for split in ("train", "val"))
_SEEDS_PER_SPLIT = 100_000
_SEEDS_PER_RUN = 16 * _SEEDS_PER_SPLIT
_VOC_FIRST_VAL = 500_001
_NYU_SCENE = 16  # images per folder
_KITTI_SCALE = 10  # rooms the size of streets: depths of 12 to 76 m
_KITTI_SKY = 0.3  # share of the rows, at the top, that a LiDAR never reaches
_KITTI_MEASURED = 0.2  # share of all pixels; 0.18 to 0.21 in the sample files of the official set

_ADE20K_IDS = np.array([category.ade20k_id for category in CATEGORIES], np.uint8)
_VOC_IDS = np.array([category.voc_id for category in CATEGORIES], np.uint8)


def write_mini(root: Path, *, train: int = 48, val: int = 24, seed: int = 0) -> dict[str, Path]:
    """Writes all four datasets under ``root``; see `write_ade20k`.

    Returns:
        The root of each official layout by name: "ade20k", "voc2012", "nyu", "kitti".
    """
    return {
        "ade20k": write_ade20k(root, train=train, val=val, seed=seed),
        "voc2012": write_voc2012(root, train=train, val=val, seed=seed),
        "nyu": write_nyu(root, train=train, val=val, seed=seed),
        "kitti": write_kitti(root, train=train, val=val, seed=seed),
    }


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
            images = _make(folder / "ADEChallengeData2016" / "images" / long_name)
            annotations = _make(folder / "ADEChallengeData2016" / "annotations" / long_name)
            for number, scene_seed in enumerate(seeds[split], start=1):
                scene, stem = render_scene(scene_seed, size), f"ADE_{split}_{number:08d}"
                _save_jpeg(scene, images / f"{stem}.jpg")
                Image.fromarray(ade20k_annotation(scene)).save(annotations / f"{stem}.png")

    _write(root / "ade20k", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "ade20k" / "ADEChallengeData2016"


def write_voc2012(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/voc2012`` as `write_ade20k` does and returns ``root/voc2012/VOCdevkit/VOC2012``."""
    seeds = {split: split_seeds("voc2012", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        voc = folder / "VOCdevkit" / "VOC2012"
        images, masks = _make(voc / "JPEGImages"), _make(voc / "SegmentationClass")
        lists = _make(voc / "ImageSets" / "Segmentation")
        names: dict[str, list[str]] = {"train": [], "val": [], "trainval": []}
        for split, first in (("train", 1), ("val", _VOC_FIRST_VAL)):
            for number, scene_seed in enumerate(seeds[split], start=first):
                scene, stem = render_scene(scene_seed, size), f"2007_{number:06d}"
                _save_jpeg(scene, images / f"{stem}.jpg")
                mask = Image.fromarray(voc2012_mask(scene))
                mask.putpalette(voc_palette().tobytes())
                mask.save(masks / f"{stem}.png")
                names[split].append(stem)
                names["trainval"].append(stem)
        for name, stems in names.items():
            (lists / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems), encoding="ascii")

    _write(root / "voc2012", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "voc2012" / "VOCdevkit" / "VOC2012"


def write_nyu(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (128, 160)) -> Path:
    """Writes ``root/nyu`` as `write_ade20k` does and returns ``root/nyu/nyu_depth_v2``.

    Folders of training scenes carry a number and lines of the training list begin with "/", as in the official set.
    """
    seeds = {split: split_seeds("nyu", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        nyu = folder / "nyu_depth_v2"
        for split, name, scene_name, slash in (("train", "train", "room_{:04d}", "/"), ("val", "test", "room", "")):
            lines = []
            for number, scene_seed in enumerate(seeds[split]):
                scene, place = render_scene(scene_seed, size), scene_name.format(number // _NYU_SCENE + 1)
                (nyu / place).mkdir(parents=True, exist_ok=True)
                image, depth = f"{place}/rgb_{number + 1:05d}.jpg", f"{place}/sync_depth_{number + 1:05d}.png"
                _save_jpeg(scene, nyu / image)
                _save_depth(scene.depth, nyu / depth, per_metre=1000)
                lines.append(f"{slash}{image} {slash}{depth} 518.8579\n")
            (nyu / f"nyu_{name}.txt").write_text("".join(lines), encoding="ascii")

    _write(root / "nyu", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "nyu" / "nyu_depth_v2"


def write_kitti(root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] = (120, 304)) -> Path:
    """Writes ``root/kitti`` as `write_ade20k` does and returns it.

    The rooms are ten times as large and their depth is as sparse as a LiDAR's (`lidar_depth`). The test list ends with
    the first training image and ``None`` for its depth: a line that a reader skips, as 45 lines of the official list.
    """
    seeds = {split: split_seeds("kitti", split, n, seed) for split, n in (("train", train), ("val", val))}

    def build(folder: Path) -> None:
        lines: dict[str, list[str]] = {}
        for split, drive in (("train", "2011_09_26_drive_0001_sync"), ("val", "2011_09_26_drive_0002_sync")):
            images, depths = f"2011_09_26/{drive}/image_02/data", f"{drive}/proj_depth/groundtruth/image_02"
            _make(folder / "input" / images)
            _make(folder / "gt_depth" / depths)
            lines[split] = []
            for number, scene_seed in enumerate(seeds[split]):
                scene, name = render_scene(scene_seed, size), f"{number:010d}.png"
                Image.fromarray(scene.image).save(folder / "input" / images / name, compress_level=1)
                _save_depth(lidar_depth(scene, scene_seed), folder / "gt_depth" / depths / name, per_metre=256)
                lines[split].append(f"{images}/{name} {depths}/{name} 721.5377\n")
        lines["val"].append(f"{lines['train'][0].split()[0]} None 721.5377\n")
        for split, name in (("train", "train"), ("val", "test")):
            (folder / f"kitti_eigen_{name}.txt").write_text("".join(lines[split]), encoding="ascii")

    _write(root / "kitti", {"train": train, "val": val, "seed": seed, "size": list(size)}, build)
    return root / "kitti"


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


def ade20k_annotation(scene: Scene) -> NDArray[np.uint8]:
    """Returns the ADE20K annotation (H, W): 0 for "other", else the number in ``objectInfo150.txt``."""
    return _ADE20K_IDS[scene.category]


def voc2012_mask(scene: Scene) -> NDArray[np.uint8]:
    """Returns the VOC2012 mask (H, W): 0 for background, 1..20, and 255 on both sides of every outline.

    An outline runs between neighbours, below or beside, that belong to different solids or to a solid and the
    background.
    """
    mask = _VOC_IDS[scene.category]
    vertical = scene.instance[1:] != scene.instance[:-1]
    horizontal = scene.instance[:, 1:] != scene.instance[:, :-1]
    mask[1:][vertical] = mask[:-1][vertical] = VOC_BORDER
    mask[:, 1:][horizontal] = mask[:, :-1][horizontal] = VOC_BORDER
    return mask


def lidar_depth(scene: Scene, seed: int) -> NDArray[np.float32]:
    """Returns ten times the depth (H, W) at a random fifth of the pixels, none near the top, and 0 elsewhere."""
    height = scene.depth.shape[0]
    measured = np.random.default_rng(seed).random(scene.depth.shape) < _KITTI_MEASURED / (1 - _KITTI_SKY)
    measured[: round(_KITTI_SKY * height)] = False
    return np.where(measured, _KITTI_SCALE * scene.depth, np.float32(0))


def voc_palette() -> NDArray[np.uint8]:
    """Returns VOC's colours (256, 3): each three bits of a label are the next lower bits of R, G and B.

    Source: ``VOCcode/VOClabelcolormap.m`` of the VOC2012 development kit.
    """
    labels = np.arange(256)[:, None]
    bits = [(labels >> (3 * step + np.arange(3)) & 1) << (7 - step) for step in range(8)]
    return np.sum(bits, axis=0).astype(np.uint8)


def _write(folder: Path, settings: dict[str, object], build: Callable[[Path], None]) -> None:
    """Brings ``folder`` to the given settings, with all files or not at all."""
    marker = json.dumps({"version": VERSION, **settings}, indent=2) + "\n"
    if folder.exists():
        if not (folder / _MARKER).is_file():
            raise DataError(f"{folder} exists and holds no {_MARKER}, so it may be real data; choose another data root")
        if (folder / _MARKER).read_text(encoding="ascii") == marker:
            return
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        _make(staging)
        build(staging)
        (staging / _MARKER).write_text(marker, encoding="ascii")
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _save_jpeg(scene: Scene, path: Path) -> None:
    Image.fromarray(scene.image).save(path, quality=95)


def _save_depth(depth: NDArray[np.float32], path: Path, *, per_metre: int) -> None:
    Image.fromarray(np.rint(depth * per_metre).astype(np.uint16)).save(path)
