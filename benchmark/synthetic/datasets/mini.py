"""Writes one or all rendered datasets; no room occurs twice in their splits."""

from __future__ import annotations

from pathlib import Path

from benchmark.synthetic.datasets import ade20k, cityscapes, imagenet, kitti, nyu, sunrgbd, voc2012
from benchmark.synthetic.datasets.writer import DatasetWriter, write_folder

# The order decides which rooms a split shows: append only.
_MODULES = (ade20k, voc2012, nyu, kitti, cityscapes, sunrgbd, imagenet)
WRITERS: dict[str, DatasetWriter] = {module.WRITER.name: module.WRITER for module in _MODULES}

_SPLITS = tuple(f"{writer.name}/{split}" for writer in WRITERS.values() for split in writer.splits)
_SEEDS_PER_SPLIT = 100_000
_SEEDS_PER_RUN = 16 * _SEEDS_PER_SPLIT


def write_mini(root: Path, *, train: int = 48, val: int = 24, seed: int = 0) -> dict[str, Path]:
    """Writes all datasets under ``root``; see `write_dataset`.

    Returns:
        The root of each official layout by name.
    """
    return {name: write_dataset(name, root, train=train, val=val, seed=seed) for name in WRITERS}


def write_dataset(
    name: str, root: Path, *, train: int, val: int, seed: int = 0, size: tuple[int, int] | None = None
) -> Path:
    """Writes ``root/name``; no room occurs twice, nor in another split or dataset of the same seed.

    Args:
        name: Of a dataset, one of ``WRITERS``.
        root: Folder that holds all datasets; created where missing.
        train: Number of training images, at least 1; SUN RGB-D has none.
        val: Number of validation images, at least 1. ImageNet takes a quarter of both numbers, rounded up, for each of
            its eight classes.
        seed: Non-negative; other seeds give other rooms.
        size: Height and width of the images in pixels; None for the dataset's own.

    Returns:
        The root of its official layout.

    Raises:
        ValueError: An unknown name, or a count or seed out of range.
        DataError: ``root/name`` exists and was not written by this function.
    """
    if name not in WRITERS:
        raise ValueError(f"`name` must be one of {', '.join(WRITERS)}. Received {name!r}.")
    writer = WRITERS[name]
    size = size or writer.size
    images = {split: count for split, count in (("train", train), ("val", val)) if split in writer.splits}
    seeds = {split: split_seeds(name, split, writer.rooms(count), seed) for split, count in images.items()}
    settings = {**images, "seed": seed, "size": list(size)}
    write_folder(root / name, settings, lambda folder: writer.write(folder / writer.layout, seeds, size))
    return root / name / writer.layout


def split_seeds(dataset: str, split: str, count: int, seed: int = 0) -> range:
    """Returns the seeds of the rooms of a split; those of different splits or runs never overlap.

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
