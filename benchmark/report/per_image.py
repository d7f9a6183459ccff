"""Reads the per-image statistics of a record: what each image adds to its score."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.errors import RecordError
from benchmark.records.schema import Record
from benchmark.report.ratios import Ratios

_COLUMNS = {
    "miou": ("image", "head_seed", "class", "intersection", "prediction", "label"),
    "rmse": ("image", "head_seed", "variant", "pixels", "squared"),
    "top1": ("image", "label", "hit"),
}
_REPEATS = ("head_seed", "try")  # an image stands once in the file for each of them
_FOOTER_BYTES = 16_384  # parquet keeps sizes and ranges of its columns at the end of the file


def read_ratios(record: Record, runs: Path) -> Ratios:
    """Reads the statistics of a record, images sorted by name.

    Args:
        record: A successful one.
        runs: Folder of the record's files.

    Raises:
        RecordError: The file is missing or truncated, or does not hold what the metric needs.
    """
    metric = record.primary.name if record.primary else None
    if metric not in _COLUMNS or record.per_image is None:
        raise RecordError(f"{record.id}: no per-image statistics of {metric}")
    path = runs / record.per_image
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise RecordError(f"{record.id}: its per-image statistics {path.name} are missing") from error
    except (OSError, ValueError) as error:  # pyarrow's own errors are among them
        raise RecordError(f"{path.name}: no parquet file ({error})") from error
    missing = [column for column in _COLUMNS[metric] if column not in table]
    if missing or table.empty:
        raise RecordError(f"{path.name}: {f'no column {missing[0]}' if missing else 'no rows'}")
    try:
        return {"miou": _segmentation, "rmse": _depth, "top1": _classification}[metric](table)
    except ValueError as error:
        raise RecordError(f"{path.name}: {error}") from error


def file_mark(path: Path) -> str | None:
    """Returns size and hash of a parquet file's end, which tell that it was replaced; None without a file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _FOOTER_BYTES))
            return f"{size}-{hashlib.blake2b(file.read(), digest_size=8).hexdigest()}"
    except FileNotFoundError:
        return None


def _segmentation(table: pd.DataFrame) -> Ratios:
    """Puts the rows of what occurs into dense counts; the union is prediction + label - intersection."""
    images, image = _codes(table["image"])
    classes, category = np.unique(table["class"].to_numpy(), return_inverse=True)
    repeat, repeats = _repeat(table)
    intersection = table["intersection"].to_numpy(np.float64)
    union = table["prediction"].to_numpy(np.float64) + table["label"].to_numpy(np.float64) - intersection
    if (intersection < 0).any() or (union < intersection).any():
        raise ValueError("counts that are negative, or an intersection larger than its union")
    place = (repeat * len(images) + image) * len(classes) + category
    if len(np.unique(place)) != len(place):
        raise ValueError("an image has a class twice")
    shape = (repeats, len(images), len(classes))
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    numerator.ravel()[place], denominator.ravel()[place] = intersection, union
    return Ratios(images, classes, numerator, denominator, 100.0)


def _depth(table: pd.DataFrame) -> Ratios:
    own = table[table["variant"] == "protocol"]
    pixels = own["pixels"].to_numpy(np.float64)
    scored = pixels > 0
    rmse = np.sqrt(np.divide(own["squared"].to_numpy(np.float64), pixels, out=np.zeros(len(own)), where=scored))
    return _one_class(own, rmse, scored, 1.0)


def _classification(table: pd.DataFrame) -> Ratios:
    return _one_class(table, table["hit"].to_numpy(np.float64), np.ones(len(table)), 100.0)


def _one_class(table: pd.DataFrame, values: np.ndarray, counted: np.ndarray, scale: float) -> Ratios:
    """Makes the mean of one value per image; every repeat must have every image once."""
    images, image = _codes(table["image"])
    repeat, repeats = _repeat(table)
    place = repeat * len(images) + image
    if len(place) != repeats * len(images) or len(np.unique(place)) != len(place):
        raise ValueError(f"{len(place)} rows for {repeats} repeats of {len(images)} images; each stands there once")
    shape = (repeats, len(images), 1)
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    numerator.ravel()[place], denominator.ravel()[place] = values, counted
    labels = None
    if "label" in table:
        labels = np.zeros(len(images), np.int64)
        labels[image] = table["label"].to_numpy()
    return Ratios(images, np.zeros(1, np.int64), numerator, denominator, scale, labels)


def _codes(names: pd.Series) -> tuple[tuple[str, ...], np.ndarray]:
    codes, known = pd.factorize(names, sort=True)
    return tuple(map(str, known)), codes


def _repeat(table: pd.DataFrame) -> tuple[np.ndarray, int]:
    """Numbers the combinations of head seed and try that occur."""
    present = [column for column in _REPEATS if column in table]
    if not present:
        return np.zeros(len(table), np.int64), 1
    numbers = table.groupby(present, sort=True).ngroup().to_numpy()
    return numbers, int(numbers.max()) + 1
