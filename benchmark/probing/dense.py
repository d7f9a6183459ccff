"""One flow for every dense benchmark: train probes on frozen features, choose one, score it.

Segmentation and depth differ in head, loss, target and metric; what they share stands here, and reads top to bottom
like a protocol: splits, probes, training, selection on images held out of train, scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmark.backbones.spec import BackboneSpec
from benchmark.data.split import Split
from benchmark.distributed import World
from benchmark.errors import DivergedError, ProtocolError
from benchmark.features.frozen import FrozenFeatures
from benchmark.probing.cached_views import stored_views
from benchmark.probing.dense_task import DenseTask
from benchmark.probing.gallery import make_gallery
from benchmark.probing.job import Job
from benchmark.probing.reading import refuse_unusable
from benchmark.probing.run_record import Cell, Outcome
from benchmark.probing.runner import Evaluation, Runner
from benchmark.probing.selection import Candidate, best, candidates, hold_out
from benchmark.probing.train import Examples, Probe, ProbeLearner, seed_torch, train
from benchmark.probing.training_features import encoded
from benchmark.progress import Progress
from benchmark.samples.loader import ordered_samples, training_batches
from benchmark.samples.sample_order import SampleOrder


def run_dense(task: DenseTask, features: FrozenFeatures, job: Job) -> Outcome:
    """Trains the protocol's probes on frozen features and scores them.

    Args:
        task: Head, loss, target and metric.
        features: The frozen backbone.
        job: Images, seed and places.

    Raises:
        DataError: A damaged or unsuitable file: before the training of all that is scored, else when it is drawn; or a
            split without a pixel that counts, or in another unit.
        DivergedError: The chosen probes' weights are not finite.
    """
    data, settings, flow = job.data, task.settings, _Flow(task, features, job)
    sweep = candidates(settings.probes)
    fit, held_out = flow.hold_out() if len(sweep) > 1 else (list(range(len(data.train))), [])
    refuse_unusable(task, held_out, job, features.world)
    probes = flow.train(sweep, fit, held_out)

    def scores(group: list[Probe], measured: np.ndarray) -> list[float]:
        """Of each candidate, the mean over its seeds; nan if one of them diverged."""
        each = [math.nan if _diverged(probe) else task.score(own) for probe, own in zip(group, measured, strict=True)]
        return np.reshape(each, (len(sweep), -1)).mean(1).tolist()

    chosen, on_held_out = 0, None
    if held_out:
        measured = flow.measure(probes.choosing, data.train, held_out, "held-out train")
        on_held_out = scores(probes.choosing, measured)
        chosen = best(on_held_out, higher_is_better=task.metric.higher_is_better)
    seeds = settings.probes.seeds
    if any(map(_diverged, probes.scored[chosen * seeds : (chosen + 1) * seeds])):
        raise DivergedError(f"training diverged at lr {sweep[chosen].lr:g}: the weights are not finite")

    features.grids.clear()
    measured = flow.measure(probes.scored, data.val, list(range(len(data.val))), "val")
    tokens = [math.prod(grid) for grids in features.world.gather_objects(features.grids) for grid in grids]
    selection = None
    if on_held_out is not None:
        selection = {
            "on": f"held-out {settings.data.train}",
            "images": len(held_out),
            **_selection(task, sweep, chosen, on_held_out, scores(probes.scored, measured)),
        }
    kept = measured.reshape(len(sweep), seeds, *measured.shape[1:])[chosen]
    metrics = task.metrics(kept)
    return Outcome(
        metrics,
        selection,
        task.per_image(data.val.names, kept),
        make_gallery(task, data.val, probes.scored[chosen * seeds], features),
        patch_tokens=(min(tokens), max(tokens)),
        trained_with=probes.trained_with,
    )


class _Probes(NamedTuple):
    """Trained probes, candidate by candidate and seed by seed."""

    scored: list[Probe]
    choosing: list[Probe]
    """Those that have not seen what is held out; the scored ones themselves where the protocol wants no refit."""

    trained_with: str | None
    """Record whose run trained them, where that is another."""


@dataclass(frozen=True)
class _Flow:
    """The steps of a cell."""

    task: DenseTask
    features: FrozenFeatures
    job: Job

    def hold_out(self) -> tuple[list[int], list[int]]:
        """Returns the training images to train on and those to choose on, whole scenes of films."""
        train = self.job.data.train
        scenes = train.scenes
        if scenes is not None and len(set(scenes)) == 1 and self.features.world.is_main:
            print(f"{self.job.label}: note: all training images are of {scenes[0]}, so single images are held out")
        return hold_out(len(train), self.task.settings.selection.holdout, self.job.seed, scenes)

    def train(self, sweep: list[Candidate], fit: list[int], held_out: list[int]) -> _Probes:
        """Trains the probes of a sweep, or takes those that another benchmark has trained."""
        task, features, job = self.task, self.features, self.job
        refit = bool(held_out) and task.settings.selection.refit
        scored = _make_probes(task, sweep, features, job.seed)
        others = _make_probes(task, sweep, features, job.seed) if refit else []
        heads = [probe.head for probe in (*scored, *others)]
        earlier = job.trained.load(heads, features.world) if job.trained is not None else None
        if earlier is None:
            images = list(range(len(job.data.train))) if refit else fit
            examples = _examples(task, images, held_out if refit else [], features, job)
            train_probes(task, scored, others, examples, job=job, world=features.world)
            if job.trained is not None and features.world.is_main:
                job.trained.save(heads)
        elif features.world.is_main:
            print(f"{job.label}: scores the heads that {earlier} trained")
        for head in heads:
            head.eval()
        return _Probes(scored, others or scored, earlier)

    def measure(self, probes: list[Probe], split: Split, indices: list[int], what: str) -> np.ndarray:
        """Measures images of a split, shared among the processes."""
        world, workers = self.features.world, self.job.workers
        mine = world.share(indices)
        samples = ordered_samples(self.task.test_sample(split), mine, workers=workers)
        progress = Progress(len(mine), f"{self.job.label} {what}", quiet=not world.is_main)
        return measure_images(self.task, probes, samples, self.features, total=len(indices), progress=progress)


def train_probes(
    task: DenseTask, scored: list[Probe], choosing: list[Probe], examples: Examples, *, job: Job, world: World
) -> None:
    """Trains heads in place as the protocol says.

    Args:
        task: Loss and protocol.
        scored: Heads that are scored.
        choosing: Heads that only choose among settings, and see no held-out image.
        examples: What they learn from.
        job: Where the state is kept.
        world: The processes.
    """
    settings = task.settings
    learners = [
        ProbeLearner(
            probe,
            task.loss,
            iterations=settings.train.iterations,
            optimizer=settings.optimizer,
            schedule=settings.schedule,
            chooses=chooses,
        )
        for probes, chooses in ((scored, False), (choosing, True))
        for probe in probes
    ]
    label = f"{job.label} train"
    train(learners, examples, iterations=settings.train.iterations, resume=job.resume, label=label, world=world)


def _examples(task: DenseTask, images: list[int], held_out: list[int], features: FrozenFeatures, job: Job) -> Examples:
    """Returns augmented images of the training indices ``images``: encoded anew at every step, or the stored views.

    ``held_out`` are places in ``images``, of those that choose among settings.
    """
    load, given = task.train_sample(job.data.train), task.settings.train
    hidden = frozenset(held_out)
    if given.stored is not None:
        return stored_views(lambda index: task.collate([load(index)]), given, images, features, job, held_out=hidden)
    order = SampleOrder(len(images), given.batch_size, job.seed, hidden)
    return encoded(
        lambda steps: training_batches(
            lambda index: load(images[index]),
            task.collate,
            order=order,
            steps=steps,
            world=features.world,
            workers=job.workers,
        ),
        features,
        features.head_inputs,
        order,
    )


def measure_images(
    task: DenseTask,
    probes: list[Probe],
    samples: Iterator[Any],
    features: FrozenFeatures,
    *,
    total: int,
    progress: Progress,
) -> np.ndarray:
    """Measures every image with every probe, one backbone pass for all.

    Args:
        task: How.
        probes: Trained heads.
        samples: This process's share of the images.
        features: The frozen backbone.
        total: Images of all processes.
        progress: Counts the images.

    Returns:
        Statistics (probes, images, ...).
    """
    measured = []
    for sample in samples:
        measured.append(task.measure(sample, probes, features))
        progress.advance()
    progress.close()
    shape = (0, len(probes), *task.statistics_shape)
    none = torch.empty(shape, dtype=task.statistics_dtype, device=features.device)  # a process may have no image
    mine = torch.stack(measured) if measured else none
    return features.world.gather(mine, total).transpose(0, 1).cpu().numpy()


def _make_probes(task: DenseTask, sweep: list[Candidate], features: FrozenFeatures, seed: int) -> list[Probe]:
    """Makes the heads, candidate by candidate and seed by seed; equal seeds start from equal weights."""
    probes = []
    for candidate in sweep:
        for number in range(task.settings.probes.seeds):
            seed_torch(seed, number)
            head = task.make_head(features).to(features.device)
            probes.append(Probe(candidate.lr, candidate.weight_decay, (seed, number), head))
    return probes


def _diverged(probe: Probe) -> bool:
    return not all(tensor.isfinite().all() for tensor in probe.head.parameters())


def _selection(
    task: DenseTask, sweep: list[Candidate], chosen: int, on_held_out: list[float], on_val: list[float]
) -> dict[str, Any]:
    table = [
        {
            "lr": candidate.lr,
            "weight_decay": candidate.weight_decay,
            f"{task.metric.name}_held_out": held,
            f"{task.metric.name}_val": val,
        }
        for candidate, held, val in zip(sweep, on_held_out, on_val, strict=True)
    ]
    best_on_val = table[best(on_val, higher_is_better=task.metric.higher_is_better)]
    return {"chosen": table[chosen], "best_on_val": best_on_val, "candidates": table}


def dense_runner(make_task: Callable[[Any, Cell], DenseTask]) -> Runner:
    """Returns the runner of a benchmark with a target for every pixel.

    Args:
        make_task: From settings and a cell to head, loss, target and metric.
    """

    def prepare(settings: Any, cell: Cell, device: torch.device, world: World) -> Evaluation:
        given = settings.features.resolved(cell.backbone.spec.depth)
        features = FrozenFeatures(cell.backbone, given, device, world)
        task = make_task(settings, cell)
        return Evaluation(features, lambda job: run_dense(task, features, job))

    return Runner(prepare, _refuse_missing_layers)


def _refuse_missing_layers(settings: Any, spec: BackboneSpec) -> None:
    for layer in settings.features.resolved(spec.depth).layers:
        if not -spec.depth <= layer < spec.depth:
            raise ProtocolError(f"features.layers: {layer} is not a block of {spec.arch}, which has {spec.depth}")
