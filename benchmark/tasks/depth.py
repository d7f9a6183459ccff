"""Linear depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.data.dataset import DepthDataset
from benchmark.metric import RMSE
from benchmark.protocols.depth import DepthProtocol
from benchmark.records.per_image import DEPTH_ERRORS
from benchmark.tasks.task import DataSize, Forwards, Task
from benchmark.tasks.training import training_forwards


def _forwards(settings: DepthProtocol, data: DataSize) -> Forwards:
    crop = settings.test.fixed_crop
    return Forwards(
        train_size=settings.train.crop,
        val_size=data.image if crop is None else (crop.height, crop.width),
        train=training_forwards(settings, data.train),
        val=data.val * (1 if settings.test.flip == "none" else 2),
    )


def _seen(fields: Mapping[str, Any]) -> tuple[Any, Any] | None:
    crop = fields.get("test", {}).get("fixed_crop")
    return (crop["height"], crop["width"]) if crop else None


DEPTH = Task(
    name="depth",
    group="depth",
    question="How far away is each pixel? One linear layer on the tokens answers.",
    metric=RMSE,
    datasets=DepthDataset,
    settings=DepthProtocol,
    default_protocol="dinov2-lin1",
    runner="benchmark.probing.depth",
    per_image=DEPTH_ERRORS,
    forwards=_forwards,
    seen=_seen,
    gallery="depth",
)
