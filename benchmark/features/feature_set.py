"""Complete stored features, read from the disk as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmark.errors import RecordError
from benchmark.features.manifest import FeatureManifest
from benchmark.features.plan import shard_path


class FeatureSet:
    """The features of N images, memory-mapped: a tensor takes memory when it is read, which the system can take back.

    It goes on working if the store is pruned meanwhile.

    Args:
        folder: Where the shards lie.
        manifest: What they hold; it is complete.

    Raises:
        RecordError: A shard cannot be read.
    """

    def __init__(self, folder: Path, manifest: FeatureManifest) -> None:
        self.folder = folder
        self.columns = dict(manifest.plan.columns)
        """Shape of one image's values, by column."""
        self.dtype: torch.dtype = getattr(torch, manifest.plan.dtype)
        self.skipped = manifest.skipped
        """(index, reason) of the images that were left out."""
        self.rows = _rows(manifest)
        """(N,) int64: the index of the image each row is of; all images unless some were left out."""
        self._files = [_opened(shard_path(folder, number)) for number in range(manifest.plan.shards)]
        self._mapped: dict[str, list[Tensor]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def shards(self, column: str) -> list[Tensor]:
        """Returns the shards of a column in order, each (rows, ...), memory-mapped, in the stored number format."""
        if column not in self.columns:
            raise KeyError(f"there is no column {column!r}, only {', '.join(sorted(self.columns))}")
        if column not in self._mapped:
            self._mapped[column] = [file.get_tensor(column) for file in self._files]
        return list(self._mapped[column])

    def read(self, column: str, rows: slice | Sequence[int] | Tensor | None = None) -> Tensor:
        """Copies rows of a column into memory, in the stored number format.

        Args:
            column: Name.
            rows: Which of the N rows, in the order they are wanted; None takes all.

        Returns:
            (rows, ...).

        Raises:
            IndexError: A row that does not exist.
        """
        shards = self.shards(column)
        if rows is None or isinstance(rows, slice):
            wanted = torch.arange(len(self))[slice(None) if rows is None else rows]
        else:
            wanted = torch.as_tensor(rows, dtype=torch.int64)
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < len(self):
            raise IndexError(f"rows {int(wanted.min())} to {int(wanted.max())} are not all among {len(self)}")
        found = torch.empty((len(wanted), *self.columns[column]), dtype=self.dtype)
        lengths = torch.tensor([len(shard) for shard in shards])
        ends = lengths.cumsum(0)
        places = torch.bucketize(wanted.contiguous(), ends, right=True)
        order = places.argsort(stable=True)
        for mine, number in _runs(places[order], order):
            found[mine] = shards[number][wanted[mine] - (ends[number] - lengths[number])]
        return found


def _runs(sorted_keys: Tensor, values: Tensor) -> Iterator[tuple[Tensor, int]]:
    """Yields the values of each key, with the key."""
    keys, counts = sorted_keys.unique_consecutive(return_counts=True)
    return zip(values.split(counts.tolist()), keys.tolist(), strict=True)


def _rows(manifest: FeatureManifest) -> Tensor:
    kept = torch.ones(manifest.plan.count, dtype=torch.bool)
    kept[[index for index, _ in manifest.skipped]] = False
    return kept.nonzero().flatten()


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        raise RecordError(f"{path} cannot be read: {error}; give the same command again") from error
