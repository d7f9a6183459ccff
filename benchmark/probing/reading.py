"""What is read before a training, so that hours of it do not end at a file or a split that cannot be used.

It costs one pass over the images that are scored (the scored split, and those held out of train for a sweep) without
the backbone, and a glance at the maps of train. A training file that is damaged ends the run when it is drawn; of data
of one's own, which nobody has published and checked, all training images are read as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.data.map_content import DepthRange
from benchmark.data.split import MapSplit
from benchmark.distributed import World
from benchmark.errors import DataError
from benchmark.probing.dense_task import DenseTask
from benchmark.probing.job import Job
from benchmark.progress import Progress
from benchmark.samples.loader import ordered_samples

_GLANCE = 100  # training maps that are looked at: enough to tell millimetres from centimetres


class Look(NamedTuple):
    """What a label or depth map says of its split."""

    known: bool
    """Whether some pixel of it has a label or depth."""

    scored: bool
    """Whether some pixel of it is scored."""

    depths: DepthRange | None
    """Its depths; None where it holds none, or labels."""

    classes: frozenset[int] = frozenset()
    """Its labels, in a dataset of one's own: there a class may be missing because its value is ignored."""


def refuse_unusable(task: DenseTask, held_out: Sequence[int], job: Job, world: World) -> None:
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
    if world.broadcast_object(job.resume.path.exists()):
        return
    val, train = job.data.val, job.data.train
    trained: list[Look] = []
    if train.dataset.description is not None:
        trained += _read(task, train, sorted({*range(len(train))} - {*held_out}), job, world)
    for split, indices, what in (
        (val, list(range(len(val))), f"split {val.name!r}"),
        (train, list(held_out), f"the {len(held_out):,} images held out of {train.name!r}"),
    ):
        looks = _read(task, split, indices, job, world) if indices else []
        world.together(lambda split=split, looks=looks, what=what: _refuse_scored(task, split, looks, what))
        trained += looks if split is train and trained else []
    world.together(lambda: _refuse_trained(task, train) if world.is_main else None)
    if trained and world.is_main:
        _note_absent_classes(train, frozenset().union(*(look.classes for look in trained)), job.label)


def _read(task: DenseTask, split: MapSplit, indices: list[int], job: Job, world: World) -> list[Look]:
    """Reads images as they will be scored; returns what each process has seen."""
    load, mine = task.test_sample(split), world.share(indices)
    progress = Progress(len(mine), f"{job.label} {split.name} files", quiet=not world.is_main)

    def look(index: int) -> Look:
        target = task.target(load(index))
        known = task.known(target)
        one = _look(known, scored=task.scored(target))
        own_labels = split.dataset.description is not None and split.dataset.num_classes > 0
        return one._replace(classes=frozenset(known.unique().tolist())) if own_labels else one

    def read() -> list[Look]:
        found = []
        for one in ordered_samples(look, mine, workers=job.workers):
            found.append(one)
            progress.advance()
        progress.close()
        return found

    return [one for looks in world.gather_objects(world.together(read)) for one in looks]


def _look(known: Tensor, *, scored: bool) -> Look:
    return Look(known.numel() > 0, scored, DepthRange.of(known.numpy()) if known.is_floating_point() else None)


def _note_absent_classes(train: MapSplit, present: frozenset[int], label: str) -> None:
    """Says which classes have no pixel to learn from, as where masks are 0 and 255 and 255 is ignored."""
    absent = [train.dataset.class_name(number) for number in range(train.dataset.num_classes) if number not in present]
    if absent:
        print(
            f"{label}: note: no pixel of split {train.name!r} is {', '.join(absent)}; if there are some, look at "
            "classes and ignore in the description"
        )


def _refuse_scored(task: DenseTask, split: MapSplit, looks: Sequence[Look], what: str) -> None:
    _refuse_other_unit(split, looks, what)  # first: it explains why no pixel counts
    if looks and not any(look.scored for look in looks):
        raise DataError(f"{split.dataset.name}: no pixel of {what} {task.scored_pixel}; there is no score")


def _refuse_trained(task: DenseTask, split: MapSplit) -> None:
    """Looks at some maps, evenly spread, and at all of them while none holds anything."""

    def look(index: int) -> Look:
        return _look(task.known(torch.from_numpy(split.load_map(index))), scored=False)

    some = [look(index) for index in range(0, len(split), math.ceil(len(split) / _GLANCE))]
    if not any(one.known for one in some) and not any(look(index).known for index in range(len(split))):
        raise DataError(
            f"{split.dataset.name}: no pixel of split {split.name!r} {task.known_pixel}; there is nothing to learn from"
        )
    _refuse_other_unit(split, some, f"split {split.name!r}")


def _refuse_other_unit(split: MapSplit, looks: Sequence[Look], what: str) -> None:
    depths = [look.depths for look in looks if look.depths is not None]
    problem = split.dataset.unit_problem(DepthRange.over(depths)) if depths else None
    if problem:
        raise DataError(f"{split.dataset.name}: {what}: {problem}")
