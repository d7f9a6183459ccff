"""What a kind of benchmark is: everything that the table of benchmarks, protocols, runs, tables and pages ask of it.

One object of `Task` is one kind. Nothing else in the code knows which kinds there are. Imports no torch: what runs is
named by its module and imported when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.data.dataset import Dataset
from benchmark.metric import Metric
from benchmark.protocols.sections import ProtocolSettings
from benchmark.records.gallery import Kind
from benchmark.records.per_image import PerImageSchema


@dataclass(frozen=True)
class DataSize:
    """How much data a benchmark has."""

    train: int
    """Training images."""

    val: int
    """Images that are scored."""

    image: tuple[int, int]
    """(height, width) of a common image, pixels."""


@dataclass(frozen=True)
class Forwards:
    """How often and at what size the backbone runs."""

    train_size: tuple[int, int]
    """(height, width) of the crops the backbone sees in training, pixels."""

    val_size: tuple[int, int]
    """(height, width) of the images or windows it sees in evaluation, pixels."""

    train: int
    """Crops seen in training, and images a sweep chooses on."""

    val: int
    """Images or windows seen in evaluation, mirror images included."""

    @property
    def total(self) -> int:
        """Images through the backbone."""
        return self.train + self.val


@dataclass(frozen=True, eq=False)
class Task:
    """One kind of benchmark."""

    name: str
    """Folder under ``configs/`` with the protocols that fit every dataset of the kind."""

    question: str
    """What is asked and what answers, for a reader of the page."""

    metric: Metric
    """The number that counts."""

    datasets: type[Dataset]
    """Kind of datasets it is asked on: each of them makes one benchmark."""

    settings: type[ProtocolSettings]
    """Model of its protocols."""

    default_protocol: str
    """Protocol that runs unless another is named."""

    runner: str
    """Module that runs it: its ``RUNNER`` is a `benchmark.probing.runner.Runner`."""

    per_image: PerImageSchema
    """Statistics of every image, and how they make the score."""

    forwards: Callable[[Any, DataSize], Forwards]
    """Counts the backbone's passes under settings in pixels."""

    seen: Callable[[Mapping[str, Any]], tuple[Any, Any] | None]
    """From a protocol's fields to the sides of what the backbone sees of a test image at once, in pixels or patches;
    None where images are seen whole."""

    group: str | None = None
    """Name that stands for all its benchmarks; None takes the dataset's."""

    suffix: str = ""
    """What a benchmark's name has after the dataset's."""

    gallery: Kind | None = None
    """What its pictures show, if it makes any."""

    class_score: str | None = None
    """What a score of one class is called, in percent, if there are such."""
