"""What is read before a training, so that hours of it do not end at a file or a split that cannot be used.

It costs one pass over the images that are scored (the scored split, and those held out of train for a sweep) without
the backbone, and a glance at the maps of train. A training file that is damaged ends the run when it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.data.decoding import unit_problem
from benchmark.data.layout import DepthLayout
from benchmark.data.split import MapSplit
from benchmark.errors import DataError
from benchmark.probing.distributed import World
from benchmark.probing.job import Job
from benchmark.probing.loader import ordered_samples
from benchmark.progress import Progress

if TYPE_CHECKING:
    from benchmark.probing.task import Task

_GLANCE = 100  # training maps that are looked at: enough to tell millimetres from centimetres


class Look(NamedTuple):
    """What a label or depth map says of its split."""

    known: bool
    """Whether some pixel of it has a label or depth."""

    scored: bool
    """Whether some pixel of it is scored."""

    median: float
    """Of its depths, metres; nan where it holds none, or labels."""


def refuse_unusable(task: Task, held_out: Sequence[int], job: Job, world: World) -> None:
    """Reads all that will be scored, and looks at what is trained on.

    A run that resumes has done so before: other files are another cell.

    Args:
        task: How images are read, and which pixels count.
        held_out: Training images that a sweep chooses on.
        job: Images and loader processes.
        world: The processes, which share the reading.

    Raises:
        DataError: A file that cannot be read or does not fit; a split without a pixel that counts, or in another unit.
    """
    if world.tell(job.resume.path.exists()):
        return
    val, train = job.data.val, job.data.train
    for split, indices, what in (
        (val, list(range(len(val))), f"split {val.name!r}"),
        (train, list(held_out), f"the {len(held_out):,} images held out of {train.name!r}"),
    ):
        looks = _read(task, split, indices, job, world) if indices else []
        world.together(lambda split=split, looks=looks, what=what: _refuse_scored(task, split, looks, what))
    world.together(lambda: _refuse_trained(task, train) if world.leads else None)


def _read(task: Task, split: MapSplit, indices: list[int], job: Job, world: World) -> list[Look]:
    """Reads images as they will be scored; returns what each process has seen."""
    load, mine = task.test_sample(split), world.share(indices)
    progress = Progress(len(mine), f"{job.label} {split.name} files", quiet=not world.leads)

    def look(index: int) -> Look:
        target = task.target(load(index))
        return _look(split, task.known(target), scored=task.scored(target))

    def read() -> list[Look]:
        found = []
        for one in ordered_samples(look, mine, workers=job.workers):
            found.append(one)
            progress.advance()
        progress.close()
        return found

    return [one for looks in world.gather_objects(world.together(read)) for one in looks]


def _look(split: MapSplit, known: Tensor, *, scored: bool) -> Look:
    in_metres = isinstance(split.layout, DepthLayout) and known.numel() > 0
    return Look(known.numel() > 0, scored, float(known.median()) if in_metres else math.nan)


def _refuse_scored(task: Task, split: MapSplit, looks: Sequence[Look], what: str) -> None:
    _refuse_other_unit(split, looks, what)  # first: it explains why no pixel counts
    if looks and not any(look.scored for look in looks):
        raise DataError(f"{split.layout.name}: no pixel of {what} {task.scored_pixel}; there is no score")


def _refuse_trained(task: Task, split: MapSplit) -> None:
    """Looks at some maps, evenly spread, and at all of them while none holds anything."""

    def look(index: int) -> Look:
        return _look(split, task.known(torch.from_numpy(split.load_map(index))), scored=False)

    some = [look(index) for index in range(0, len(split), math.ceil(len(split) / _GLANCE))]
    if not any(one.known for one in some) and not any(look(index).known for index in range(len(split))):
        raise DataError(
            f"{split.layout.name}: no pixel of split {split.name!r} {task.known_pixel}; there is nothing to learn from"
        )
    _refuse_other_unit(split, some, f"split {split.name!r}")


def _refuse_other_unit(split: MapSplit, looks: Sequence[Look], what: str) -> None:
    medians = [look.median for look in looks if math.isfinite(look.median)]
    problem = unit_problem(float(np.median(medians)), split.layout.usual_median) if medians else None
    if problem:
        raise DataError(f"{split.layout.name}: {what}: {problem}")
