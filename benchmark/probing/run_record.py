"""What a benchmark hands back, and the record made of it."""

from __future__ import annotations

import resource
import secrets
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from benchmark.backbones import Backbone
from benchmark.backbones.cost import count_gflops, count_params, overhead_percent
from benchmark.load_protocol import Protocol
from benchmark.records.environment import environment
from benchmark.records.schema import Cost, DataInfo, ModelInfo, ProtocolInfo, Record

if TYPE_CHECKING:
    from benchmark.features.frozen import FrozenBackbone
    from benchmark.probing.splits import Splits


@dataclass(frozen=True)
class Outcome:
    """What a benchmark hands to its record."""

    metrics: dict[str, Any]
    """All metrics, percent where they are shares."""

    selection: dict[str, Any] | None
    """How a sweep chose, and the best on val beside it."""

    per_image: pd.DataFrame
    """Statistics of every image, enough to make the score again."""

    gallery: bytes | None = None
    """A few images to look at (see ``records/gallery.py``)."""

    patch_tokens: tuple[int, int] | None = None
    """Fewest and most patch tokens of an image or window that was scored."""

    trained_with: str | None = None
    """Record whose run trained the heads; None for this one."""


@dataclass(frozen=True)
class Cell:
    """One benchmark x checkpoint x protocol x seed, with everything it needs found and checked."""

    name: str
    """What tables call the model."""

    protocol: Protocol
    backbone: Backbone
    data: Splits
    data_fingerprint: str
    seed: int
    limit: int | None
    key: str
    """Its identity (see ``records/cell.py``)."""


def describe(cell: Cell, device: torch.device, command: str) -> Record:
    """Makes the part of a record that does not depend on how the run ends, before it begins."""
    protocol, spec, source = cell.protocol, cell.backbone.spec, cell.backbone.source
    created = datetime.now(UTC)
    return Record(
        # two processes may run one cell within a second
        id=f"{created:%Y%m%dT%H%M%S}-{protocol.benchmark.name}-{cell.key[:8]}-{secrets.token_hex(2)}",
        status="success",
        created=created.isoformat(timespec="milliseconds"),  # tables show the newest of several
        benchmark=protocol.benchmark.name,
        protocol=ProtocolInfo(
            name=protocol.name,
            version=protocol.settings.version,
            fingerprint=protocol.fingerprint,
            family=protocol.settings.family,
            overrides=protocol.overrides,
            fields=protocol.fields,
        ),
        model=ModelInfo(
            name=cell.name,
            checkpoint=source.checkpoint,
            checkpoint_sha256=source.sha256,
            layout=source.layout,
            arch=spec.arch,
            embed_dim=spec.embed_dim,
            depth=spec.depth,
            patch_size=spec.patch_size,
            num_registers=spec.num_registers,
            attention_bias=spec.attention_bias,
            specialization=spec.specialization,
            params=count_params(cell.backbone),
            gflops=round(count_gflops(cell.backbone), 3),
            spec=asdict(spec),
            notes=source.notes,
            assumed=source.assumed,
            ignored=_by_reason(source.dropped),
            overhead_pct=round(overhead_percent(cell.backbone), 4),
        ),
        data=DataInfo(
            name=cell.data.val.dataset.name,
            fingerprint=cell.data_fingerprint,
            splits={"train": len(cell.data.train), "val": len(cell.data.val)},
            description=cell.protocol.benchmark.dataset.description,
            description_hash=cell.protocol.benchmark.dataset.description_hash,
        ),
        seed=cell.seed,
        limit=cell.limit,
        metrics=None,
        primary=None,
        selection=None,
        per_image=None,
        cost=None,
        environment=environment(
            device=device.type, device_name=torch.cuda.get_device_name(device) if device.type == "cuda" else None
        ),
        command=command,
        error=None,
    )


def _by_reason(dropped: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for key, reason in dropped:
        grouped[reason].append(key)
    return {reason: tuple(keys) for reason, keys in grouped.items()}


def measure_cost(seconds: float, encoder: FrozenBackbone) -> Cost:
    """Says what a run took; every process must call it."""
    forwards = encoder.world.sum(encoder.forwards, encoder.device)
    return Cost(
        wall_s=round(seconds, 3),
        images_per_s=round(forwards / seconds, 3),
        backbone_forwards=forwards,
        peak_memory_mb=round(_peak_memory_mb(encoder.device), 1),
    )


def _peak_memory_mb(device: torch.device) -> float:
    """Of this process, or of its GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6  # bytes there, kilobytes on Linux
