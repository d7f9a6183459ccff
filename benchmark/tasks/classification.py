"""Image classification on frozen tokens in three ways: nearest neighbours, linear probes, logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmark.data.dataset import ClassificationDataset
from benchmark.metric import TOP1
from benchmark.protocols.classification import ClassificationProtocol, KnnProtocol, LinearProtocol, LogregProtocol
from benchmark.protocols.sections import ProtocolSettings
from benchmark.records.per_image import HITS
from benchmark.tasks.task import DataSize, Forwards, Task
from benchmark.tasks.training import training_forwards


def _once(settings: ClassificationProtocol, data: DataSize) -> Forwards:
    """Every image is encoded once, in the view that is scored."""
    view = (settings.view.crop, settings.view.crop)
    return Forwards(view, view, data.train, data.val)


def _linear(settings: LinearProtocol, data: DataSize) -> Forwards:
    view, crop = (settings.view.crop,) * 2, (settings.train.crop,) * 2
    train_size = crop if settings.train.source == "online" else view
    return Forwards(train_size, view, training_forwards(settings, data.train), data.val)


def _seen(fields: Mapping[str, Any]) -> tuple[Any, Any] | None:
    crop = fields.get("view", {}).get("crop")
    return None if crop is None else (crop, crop)


def _classification(
    name: str,
    question: str,
    settings: type[ProtocolSettings],
    forwards: Callable[[Any, DataSize], Forwards] = _once,
) -> Task:
    return Task(
        name=name,
        suffix=f"-{name}",
        question=question,
        metric=TOP1,
        datasets=ClassificationDataset,
        settings=settings,
        default_protocol="dinov2",
        runner=f"benchmark.probing.classification.{name}",
        per_image=HITS,
        forwards=forwards,
        seen=_seen,
        class_score="accuracy",
    )


KNN = _classification(
    "knn", "What is in the picture? The nearest training images by [CLS] vote; nothing is trained.", KnnProtocol
)
LINEAR = _classification(
    "linear",
    "What is in the picture? One linear layer on the tokens of the whole image answers.",
    LinearProtocol,
    _linear,
)
LOGREG = _classification("logreg", "What is in the picture? Logistic regression on [CLS] answers.", LogregProtocol)
