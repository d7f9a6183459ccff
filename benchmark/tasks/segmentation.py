"""Linear segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.data.dataset import SegmentationDataset
from benchmark.metric import MIOU
from benchmark.protocols.segmentation import SegmentationProtocol
from benchmark.protocols.windows import window_starts
from benchmark.records.per_image import CLASS_COUNTS
from benchmark.tasks.task import DataSize, Forwards, Task
from benchmark.tasks.training import training_forwards


def _forwards(settings: SegmentationProtocol, data: DataSize) -> Forwards:
    test, (short, long) = settings.test, (min(data.image), max(data.image))
    scale = min(test.resize.short / short, (test.resize.long or long * 10**6) / long)
    sides = [round(length * scale) for length in data.image]
    rows, columns = (len(window_starts(length, test.window, test.stride)) for length in sides)
    return Forwards(
        train_size=(settings.train.crop, settings.train.crop),
        val_size=(min(test.window, sides[0]), min(test.window, sides[1])),
        train=training_forwards(settings, data.train),
        val=data.val * rows * columns,
    )


def _seen(fields: Mapping[str, Any]) -> tuple[Any, Any] | None:
    window = fields.get("test", {}).get("window")
    return None if window is None else (window, window)


SEGMENTATION = Task(
    name="segmentation",
    group="seg",
    question="What is at each pixel? One linear layer on the patch tokens answers.",
    metric=MIOU,
    datasets=SegmentationDataset,
    settings=SegmentationProtocol,
    default_protocol="dinov2-lin",
    runner="benchmark.probing.segmentation",
    per_image=CLASS_COUNTS,
    forwards=_forwards,
    seen=_seen,
    gallery="labels",
    class_score="IoU",
)
