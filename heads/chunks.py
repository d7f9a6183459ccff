"""Feature matrices larger than memory, read a few rows at a time in the number format of the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

Features = Tensor | Sequence[Tensor]
"""(N, D) floating-point features, or the shards (n_i, D) of such a matrix in order; they may be memory-mapped."""


def as_shards(features: Features, name: str) -> tuple[Tensor, ...]:
    """Returns the shards of a feature matrix, one for a plain tensor.

    Args:
        features: See ``Features``.
        name: What errors call it.

    Raises:
        ValueError: There are no rows, or shards are not floating-point matrices of one width.
    """
    shards = (features,) if isinstance(features, Tensor) else tuple(features)
    for shard in shards:
        if not isinstance(shard, Tensor) or shard.ndim != 2 or not shard.is_floating_point():
            received = f"{shard.dtype} {tuple(shard.shape)}" if isinstance(shard, Tensor) else type(shard).__name__
            raise ValueError(f"{name} must be floating-point tensors (N, D), received {received}")
    widths = {shard.shape[1] for shard in shards}
    if len(widths) > 1:
        raise ValueError(f"{name}: all shards must have the same width, received {sorted(widths)}")
    if not sum(len(shard) for shard in shards):
        raise ValueError(f"{name} hold no rows")
    return shards


def chunks_of(shards: Sequence[Tensor], rows: int, *, dtype: torch.dtype, device: torch.device) -> Iterator[Tensor]:
    """Yields up to ``rows`` consecutive rows at a time, across the borders of shards, converted and on the device.

    Only the last chunk may be shorter, so what is computed does not depend on how the matrix was cut. The buffer is
    reused: a chunk holds until the next one is asked for, and may be changed in place.
    """
    total = sum(len(shard) for shard in shards)
    buffer = torch.empty((min(rows, total), shards[0].shape[1]), dtype=dtype, device=device)
    filled = 0
    for shard in shards:
        taken = 0
        while taken < len(shard):
            count = min(len(shard) - taken, len(buffer) - filled)
            moved = shard[taken : taken + count].to(device)  # first: half precision is a quarter of what float64 takes
            buffer[filled : filled + count].copy_(moved)
            taken, filled = taken + count, filled + count
            if filled == len(buffer):
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]


def class_labels(labels: Tensor, rows: int) -> Tensor:
    """Returns the labels of ``rows`` rows as int64.

    Raises:
        ValueError: They are not (rows,) integers, or one is negative.
    """
    if labels.ndim != 1 or labels.is_floating_point() or labels.dtype == torch.bool or len(labels) != rows:
        raise ValueError(f"labels must be integers ({rows},), one a row, received {labels.dtype} {tuple(labels.shape)}")
    if int(labels.min()) < 0:
        raise ValueError(f"labels must be classes from 0 on, found {int(labels.min())}")
    return labels.long()
