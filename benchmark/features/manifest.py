"""The manifest of stored features: what they are, in clear, and whether they are complete. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.atomic import atomic_write
from benchmark.features.address import VERSION
from benchmark.features.plan import BYTES, Plan, Shard

NAME = "manifest.json"


@dataclass(frozen=True)
class FeatureManifest:
    """What lies in a folder of shards."""

    plan: Plan
    """Columns and shards."""

    address: Mapping[str, Any]
    """Fields of the address, as JSON has them."""

    note: Mapping[str, Any]
    """What a reader wants to know besides: names of model and dataset. No part of the address."""

    complete: bool = False
    """Whether every shard was written."""

    skipped: tuple[tuple[int, str], ...] = ()
    """(index, reason) of the images that were left out."""

    def completed(self, shards: list[Shard]) -> FeatureManifest:
        """Returns the manifest of finished shards."""
        return replace(self, complete=True, skipped=tuple(entry for shard in shards for entry in shard.skipped))


def write_manifest(folder: Path, manifest: FeatureManifest, **more: Any) -> None:
    """Writes ``manifest.json``, with ``more`` fields for other readers; raises OSError where it cannot."""
    plan = manifest.plan
    fields = {
        "version": VERSION,
        "complete": manifest.complete,
        "note": manifest.note,
        "columns": {name: {"shape": shape, "dtype": plan.dtype} for name, shape in plan.columns.items()},
        "count": plan.count,
        "shard_images": plan.shard_images,
        "shards": plan.shards,
        "skipped": manifest.skipped,
        "address": manifest.address,
        **more,
    }
    with atomic_write(folder / NAME) as file:
        file.write(f"{json.dumps(fields, indent=1)}\n".encode())


def read_manifest(folder: Path) -> FeatureManifest | None:
    """Reads ``manifest.json``; None where there is none, or it is damaged or of another version."""
    try:
        fields = json.loads((folder / NAME).read_text("utf-8"))
        if fields["version"] != VERSION:
            return None
        columns = {name: tuple(map(int, column["shape"])) for name, column in fields["columns"].items()}
        [dtype] = {column["dtype"] for column in fields["columns"].values()}
        if dtype not in BYTES or fields["shard_images"] < 1:
            return None
        return FeatureManifest(
            Plan(columns, dtype, int(fields["count"]), int(fields["shard_images"])),
            dict(fields["address"]),
            dict(fields["note"]),
            fields["complete"] is True,
            tuple((int(index), str(reason)) for index, reason in fields["skipped"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
