"""Per-image statistics of a record, ``results/runs/<id>.parquet``: which columns they have and what score they make.

Each kind of score has a schema here. What runs a benchmark writes its statistics through it, what reads records makes
the score again through it. Imports no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import RecordError
from benchmark.records.ratio_of_sums import Ratios

if TYPE_CHECKING:
    import pandas as pd

_REPEATS = ("head_seed", "try")  # an image has one row for each of them
_FURTHER_SUMS = ("relative", "squared_relative", "log10", "log", "log_squared", "below_1", "below_2", "below_3")
_FOOTER_BYTES = 16_384  # parquet keeps sizes and ranges of its columns at the end of the file


@dataclass(frozen=True)
class PerImageSchema:
    """The columns of one kind of statistics, and how they become a score."""

    columns: Mapping[str, str]
    """Name of each column, in order, with its dtype."""

    optional: frozenset[str]
    """Columns that files of older versions may lack and that no score needs."""

    to_ratios: Callable[[pd.DataFrame], Ratios]
    """Makes the score's ratios of sums; raises ValueError for counts that cannot be."""

    def table(self, values: Mapping[str, Any]) -> pd.DataFrame:
        """Lays values out as this schema says.

        Args:
            values: One array of equal length for every column.

        Raises:
            ValueError: Other columns than the schema's.
        """
        if values.keys() != self.columns.keys():
            raise ValueError(f"columns {', '.join(values)}; the schema has {', '.join(self.columns)}")
        import pandas as pd  # noqa: PLC0415  (the table of benchmarks is read where no file is)

        text = {name: np.asarray(values[name], dtype) for name, dtype in self.columns.items()}
        return pd.DataFrame(text).astype({name: "str" for name, dtype in self.columns.items() if dtype == "object"})

    def read(self, path: Path) -> Ratios:
        """Reads a file of statistics, images sorted by name.

        Raises:
            RecordError: The file is missing or truncated, or does not hold what the score needs.
        """
        import pandas as pd  # noqa: PLC0415  (as above)

        try:
            table = pd.read_parquet(path)
        except FileNotFoundError as error:
            raise RecordError(f"{path.name}: these per-image statistics are missing") from error
        except (OSError, ValueError) as error:  # pyarrow's own errors are among them
            raise RecordError(f"{path.name}: not a parquet file ({error})") from error
        missing = [column for column in self.columns if column not in table and column not in self.optional]
        if missing or table.empty:
            raise RecordError(f"{path.name}: {f'no column {missing[0]}' if missing else 'no rows'}")
        try:
            return self.to_ratios(table)
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


def _class_counts(table: pd.DataFrame) -> Ratios:
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


def _squared_errors(table: pd.DataFrame) -> Ratios:
    selected = table[table["variant"] == "protocol"]
    pixels = selected["pixels"].to_numpy(np.float64)
    scored = pixels > 0
    rmse = np.sqrt(
        np.divide(selected["squared"].to_numpy(np.float64), pixels, out=np.zeros(len(selected)), where=scored)
    )
    return _one_class(selected, rmse, scored, 1.0)


def _hits(table: pd.DataFrame) -> Ratios:
    return _one_class(table, table["hit"].to_numpy(np.float64), np.ones(len(table)), 100.0)


def _one_class(table: pd.DataFrame, values: np.ndarray, counted: np.ndarray, scale: float) -> Ratios:
    """Makes the mean of one value per image; every repeat must have every image once."""
    images, image = _codes(table["image"])
    repeat, repeats = _repeat(table)
    place = repeat * len(images) + image
    if len(place) != repeats * len(images) or len(np.unique(place)) != len(place):
        raise ValueError(f"{len(place)} rows for {repeats} repeats of {len(images)} images; each image needs one")
    shape = (repeats, len(images), 1)
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    numerator.ravel()[place], denominator.ravel()[place] = values, counted
    labels = None
    if "label" in table:
        labels = np.zeros(len(images), np.int64)
        labels[image] = table["label"].to_numpy()
    return Ratios(images, np.zeros(1, np.int64), numerator, denominator, scale, labels)


def _codes(names: pd.Series) -> tuple[tuple[str, ...], np.ndarray]:
    import pandas as pd  # noqa: PLC0415  (as above)

    codes, known = pd.factorize(names, sort=True)
    return tuple(map(str, known)), codes


def _repeat(table: pd.DataFrame) -> tuple[np.ndarray, int]:
    """Numbers the combinations of head seed and try that occur."""
    present = [column for column in _REPEATS if column in table]
    if not present:
        return np.zeros(len(table), np.int64), 1
    numbers = table.groupby(present, sort=True).ngroup().to_numpy()
    return numbers, int(numbers.max()) + 1


CLASS_COUNTS = PerImageSchema(
    MappingProxyType(
        {
            "image": "object",
            "head_seed": "int16",
            "class": "int16",
            "intersection": "int64",
            "prediction": "int64",
            "label": "int64",
        }
    ),
    frozenset(),
    _class_counts,
)
"""Pixels of one class in one image: predicted rightly, predicted, labelled. Classes that do not occur have no row."""

DEPTH_ERRORS = PerImageSchema(
    MappingProxyType(
        {
            "image": "object",
            "head_seed": "int16",
            "variant": "object",
            "pixels": "int64",
            "squared": "float64",
            **dict.fromkeys(_FURTHER_SUMS, "float64"),
        }
    ),
    frozenset(_FURTHER_SUMS),
    _squared_errors,
)
"""Sums over the scored pixels of one image, for each way to score it; ``protocol`` is the one that counts."""

HITS = PerImageSchema(
    MappingProxyType(
        {"image": "object", "try": "int16", "label": "int32", "prediction": "int32", "hit": "bool", "hit5": "bool"}
    ),
    frozenset(("try", "prediction", "hit5")),
    _hits,
)
"""The predicted class of an image, and whether its true class came first or among the first five."""
