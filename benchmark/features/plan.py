"""How features are cut into shards, and whether a shard on disk is one of them. Imports no torch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHARD_BYTES = 64_000_000
"""Upper bound of a shard, unless a single image has more: what a process holds in memory."""

SHARD_IMAGES = 1024
"""Upper bound of a shard's images: what a killed run computes again, and what several processes share out."""

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "uint8": 1}
"""Number formats a store may have, with their size; uint8 is for label maps."""

_NAMES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "uint8": "U8"}
_HEADER_LIMIT = 100_000_000  # safetensors' own


@dataclass(frozen=True)
class Plan:
    """Columns of ``count`` images in shards of ``shard_images``."""

    columns: Mapping[str, tuple[int, ...]]
    """Shape of one image's values, by column."""

    dtype: str
    """One of ``BYTES``."""

    count: int
    """Images."""

    shard_images: int
    """Images of every shard but the last."""

    @classmethod
    def of(cls, columns: Mapping[str, tuple[int, ...]], dtype: str, count: int) -> Plan:
        """Makes shards as large as the bounds above allow.

        Raises:
            ValueError: No column, no image, or a number format a store cannot have.
        """
        if not columns or count < 1 or dtype not in BYTES:
            raise ValueError(f"there is nothing to store of {count} images, columns {list(columns)} in {dtype}")
        row = sum(math.prod(shape) for shape in columns.values()) * BYTES[dtype]
        return cls(dict(columns), dtype, count, max(1, min(SHARD_IMAGES, SHARD_BYTES // max(row, 1))))

    @property
    def values(self) -> int:
        """Numbers per image."""
        return sum(math.prod(shape) for shape in self.columns.values())

    @property
    def row_bytes(self) -> int:
        """Bytes per image."""
        return self.values * BYTES[self.dtype]

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.count // self.shard_images)

    def images(self, shard: int) -> range:
        """Returns the indices of the images of a shard."""
        return range(shard * self.shard_images, min((shard + 1) * self.shard_images, self.count))


@dataclass(frozen=True)
class Shard:
    """A finished shard."""

    path: Path
    rows: int
    """Images it holds."""

    skipped: tuple[tuple[int, str], ...]
    """(index, reason) of the images it leaves out."""


def shard_path(folder: Path, number: int) -> Path:
    """Returns where a shard lies."""
    return folder / f"{number:05d}.safetensors"


def read_shard(folder: Path, plan: Plan, number: int) -> Shard | None:
    """Returns a shard if its file is whole and holds what the plan says; None if it must be made.

    The header and the file's size are looked at, not the values.
    """
    path = shard_path(folder, number)
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length < _HEADER_LIMIT else None
            size = os.fstat(file.fileno()).st_size
        metadata = header.pop("__metadata__")
        skipped = tuple((int(index), str(reason)) for index, reason in json.loads(metadata["skipped"]))
        found = {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # absent, cut off, or something else
        return None
    images = plan.images(number)
    rows = len(images) - len(skipped)
    expected = {name: (_NAMES[plan.dtype], (rows, *shape)) for name, shape in plan.columns.items()}
    whole = size == 8 + length + rows * plan.row_bytes
    if found != expected or not whole or metadata["first"] != str(images.start):
        return None
    return Shard(path, rows, skipped)


def read_shards(folder: Path, plan: Plan) -> list[Shard | None]:
    """Returns all shards of a plan in order, None where one must be made."""
    return [read_shard(folder, plan, number) for number in range(plan.shards)]
