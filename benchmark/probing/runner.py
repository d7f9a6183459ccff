"""How a kind of benchmark runs: what each module that a `Task` names as its ``runner`` offers as ``RUNNER``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from benchmark.backbones.spec import BackboneSpec
from benchmark.distributed import World
from benchmark.features.frozen import FrozenBackbone
from benchmark.probing.job import Job
from benchmark.probing.run_record import Cell, Outcome
from benchmark.tasks import Task


class Evaluation(NamedTuple):
    """A cell that is ready to run."""

    encoder: FrozenBackbone
    """The frozen backbone as the benchmark sees it."""

    run: Callable[[Job], Outcome]
    """Makes the score."""


def _nothing_to_refuse(_settings: Any, _spec: BackboneSpec) -> None:
    """Every backbone fits."""


@dataclass(frozen=True)
class Runner:
    """How benchmarks of a kind run. Settings are a protocol's, lengths in pixels."""

    prepare: Callable[[Any, Cell, torch.device, World], Evaluation]
    """From settings, a cell, the device and the processes to what runs."""

    refuse_unfit: Callable[[Any, BackboneSpec], None] = _nothing_to_refuse
    """Raises ProtocolError for a backbone that the settings cannot run on, before any file is opened."""


def runner_of(task: Task) -> Runner:
    """Returns what runs a kind of benchmark; imports its module."""
    return importlib.import_module(task.runner).RUNNER


def labelled_runner(run: Callable[[Any, FrozenBackbone, Job], Outcome]) -> Runner:
    """Returns the runner of a benchmark on images of one class each.

    Args:
        run: From settings, the frozen backbone and a job to the outcome.
    """

    def prepare(settings: Any, cell: Cell, device: torch.device, world: World) -> Evaluation:
        encoder = FrozenBackbone(cell.backbone, device, world)
        return Evaluation(encoder, lambda job: run(settings, encoder, job))

    return Runner(prepare)
