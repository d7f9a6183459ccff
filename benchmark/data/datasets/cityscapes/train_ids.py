"""Cityscapes' training labels, made from the labels that are shipped."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.atomic import atomic_write
from benchmark.data.folders import Scan
from benchmark.errors import DataError
from benchmark.progress import Progress

IDS = "_gtFine_labelIds.png"
TRAIN_IDS = "_gtFine_labelTrainIds.png"

TRAIN_ID_OF: dict[int, int] = {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9},
    **{23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
}
"""Training label of each label that is scored; all others are ignored. Source: cityscapesScripts, helpers/labels.py."""

IGNORED = 255


def make_train_ids(root: Path) -> str | None:
    """Writes the ``labelTrainIds`` files that are missing beside ``labelIds`` files.

    Args:
        root: Folder that holds ``gtFine``.

    Returns:
        A line that says how many were made, or None.

    Raises:
        DataError: A label file that cannot be read or holds an unknown label.
    """
    folder = root / "gtFine"
    scan = Scan(folder, (IDS,))
    ids = [folder / name for name in sorted(scan.walk())] if folder.is_dir() else []
    for problem in scan.problems:
        raise DataError(problem)
    todo = [path for path in ids if not _train_ids_of(path).exists()]
    if not todo:
        return None
    progress = Progress(len(todo), "making labelTrainIds")
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        for _ in pool.map(_convert, todo):
            progress.advance()
    finally:
        pool.shutdown(cancel_futures=True)
    progress.close()
    return f"labelTrainIds made from labelIds: {len(todo):,}"


def _train_ids_of(path: Path) -> Path:
    return path.with_name(path.name[: -len(IDS)] + TRAIN_IDS)  # the suffix may be in capitals


def _convert(path: Path) -> None:
    try:
        with Image.open(path) as file:
            ids = np.array(file)
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be decoded: {error}") from error
    if ids.dtype != np.uint8 or ids.ndim != 2:
        raise DataError(f"{path}: labels are 8-bit grey, found {ids.dtype} {ids.shape}")
    with atomic_write(_train_ids_of(path)) as file:
        Image.fromarray(train_ids(ids)).save(file, "PNG")


def train_ids(ids: np.ndarray) -> np.ndarray:
    """Maps labels (H, W) uint8 to training labels (H, W) uint8."""
    table = np.full(256, IGNORED, np.uint8)
    table[list(TRAIN_ID_OF)] = list(TRAIN_ID_OF.values())
    return table[ids]
