"""Cells, the unit of everything that is run, skipped, stored and shown.

A cell is one benchmark under one protocol, for one checkpoint as it was read, on one data, with one seed and one
``--limit``. A run fills a cell and leaves a record; a cell that has a successful record is not run again, and the
newest record of a cell counts. A score of the leaderboard is the mean over the cells that differ in their seed only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from benchmark.records.schema import Record


def cell_key(
    *,
    benchmark: str,
    protocol: str,
    checkpoint_sha256: str,
    spec: Mapping[str, Any],
    data: str,
    seed: int,
    limit: int | None,
) -> str:
    """Hashes all its arguments to 16 hexadecimal digits.

    The name a user gives a model is not included: the same weights are the same cell.

    Args:
        benchmark: Name.
        protocol: Fingerprint of the protocol.
        checkpoint_sha256: Hash of the weights.
        spec: The architecture as it runs; a layout's default that changes makes another cell.
        data: Fingerprint of the data.
        seed: Seed.
        limit: Images of each split, or None.
    """
    parts = [benchmark, protocol, checkpoint_sha256, spec, data, seed, limit]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def key_of(record: Record) -> str:
    """Returns the cell a record belongs to."""
    return cell_key(
        benchmark=record.benchmark,
        protocol=record.protocol.fingerprint,
        checkpoint_sha256=record.model.checkpoint_sha256,
        spec=record.model.spec,
        data=record.data.fingerprint,
        seed=record.seed,
        limit=record.limit,
    )
