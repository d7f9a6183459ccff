"""Image classification by linear probes: every setting of the sweep is a head on the same pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmark.data.classification import LabelledImages
from benchmark.errors import DivergedError, ProtocolError
from benchmark.features.frozen import FrozenBackbone
from benchmark.probing.classification.scores import (
    Ranked,
    encode_extras,
    outcome,
    ranked,
    score_extras,
    selected,
    share_out,
)
from benchmark.probing.classification.stored_features import LabelledFeatures, encode_split
from benchmark.probing.job import Job
from benchmark.probing.run_record import Outcome
from benchmark.probing.runner import labelled_runner
from benchmark.probing.selection import best, hold_out
from benchmark.probing.train import Example, Examples, train
from benchmark.probing.training_features import Batch, encoded
from benchmark.protocols.classification import LinearProtocol
from benchmark.samples.classification import ClassificationSample, train_sample
from benchmark.samples.loader import training_batches
from benchmark.samples.sample_order import SampleOrder
from benchmark.samples.with_replacement import with_replacement
from heads import LinearProbe, LinearProbes, pooled_inputs

_CHUNK = 256  # images whose logits of all probes are held at once: 53 MB of 52 x 1000


def run_linear(settings: LinearProtocol, encoder: FrozenBackbone, job: Job) -> Outcome:
    """Trains the sweep on one pass over train and scores the head whose setting is best on images held out of train.

    Args:
        settings: The protocol.
        encoder: The frozen backbone.
        job: Images, seed and places.

    Raises:
        DataError: Images that cannot be read: what is scored before the training, the others when they are drawn.
        DivergedError: The chosen head's weights are not finite.
        ProtocolError: A backbone of fewer blocks than every head of the sweep needs.
    """
    depth = encoder.backbone.spec.depth
    sweep = candidates(settings, depth)
    missing = [blocks for blocks in settings.probes.blocks if blocks > depth]
    if missing and encoder.world.is_main:
        print(f"{job.label}: note: no heads on {', '.join(map(str, missing))} blocks, for the backbone has {depth}")
    blocks = max(setting["blocks"] for setting in sweep)

    def encode(split: LabelledImages) -> LabelledFeatures:
        return encode_split(split, settings.features, settings.view, encoder, job, blocks=blocks, mean=True)

    images, val = job.data.train, encode(job.data.val)
    extras = encode_extras(job.data.extras, val, encode)
    stored = encode(images) if settings.train.source == "stored" else None
    total = len(images if stored is None else stored)
    fit, held_rows, held_out = list(range(total)), [], None
    if len(sweep) > 1:
        fit, held_rows = hold_out(total, settings.selection.holdout, job.seed)
        # Before the training, as all that is scored: an image that cannot be read is reported now.
        held_out = encode(images.take(held_rows)) if stored is None else stored.take(held_rows)

    def make() -> LinearProbes:
        scale = settings.train.batch_size / settings.probes.lr_batch
        return LinearProbes(
            [LinearProbe(**{**setting, "lr": setting["lr"] * scale}) for setting in sweep],
            embed_dim=encoder.backbone.spec.embed_dim,
            num_classes=val.num_classes,
            momentum=settings.optimizer.momentum,
            seed=job.seed,
        ).to(encoder.device)

    # Without a sweep there is nothing to choose; without a refit those that choose are scored.
    refit = bool(held_rows) and settings.selection.refit
    scored = make()
    choosing = make() if refit else scored
    rows = list(range(total)) if refit else fit
    order = SampleOrder(len(rows), settings.train.batch_size, job.seed, frozenset(held_rows if refit else ()))
    if stored is None:
        examples = _online(settings, images.take(rows), blocks, encoder, job, order=order)
    else:
        examples = _from_store(stored.take(rows), blocks, encoder, order)
    iterations = settings.train.iterations
    learners = [LinearLearner(scored, iterations)]
    learners += [LinearLearner(choosing, iterations, chooses=True)] if refit else []
    label = f"{job.label} train"
    train(learners, examples, iterations=iterations, resume=job.resume, label=label, world=encoder.world)

    rank = partial(_rank, encoder=encoder, blocks=blocks)
    chosen, on_held_out = 0, None
    if held_out is not None:
        on_held_out = _top1(rank(choosing, held_out), choosing.diverged())
        chosen = best(on_held_out, higher_is_better=True)
    diverged = scored.diverged()
    if diverged[chosen]:
        raise DivergedError(f"training diverged at lr {sweep[chosen]['lr']:g}: the weights are not finite")
    on_val = rank(scored, val)
    selection = None
    if on_held_out is not None:
        selection = selected(
            sweep, chosen, on_held_out, _top1(on_val, diverged), train=settings.data.train, images=len(held_rows)
        )

    def others(images: LabelledFeatures) -> list[Ranked]:
        return rank(scored, images, chosen=[chosen])

    tries = [on_val[chosen]]
    return outcome(tries, stored, val, selection, score_extras(extras, tries, others))


def candidates(settings: LinearProtocol, depth: int) -> list[dict[str, Any]]:
    """Returns the setting of every head of the sweep that a backbone of ``depth`` blocks can have.

    Raises:
        ProtocolError: There is none.
    """
    given = settings.probes
    sweep = [
        {"blocks": blocks, "input": kind, "lr": lr, "weight_decay": decay}
        for blocks in given.blocks
        for kind in given.inputs
        for lr in given.lr
        for decay in given.weight_decay
        if blocks <= depth
    ]
    if not sweep:
        raise ProtocolError(f"probes.blocks={list(given.blocks)}: the backbone has {depth}")
    return sweep


class LinearLearner:
    """Makes linear probes learn, the learning rate falling along half a cosine to 0.

    Args:
        probes: On the device of the features.
        iterations: Length of the schedule.
        chooses: Whether they only choose among settings.
    """

    def __init__(self, probes: LinearProbes, iterations: int, *, chooses: bool = False) -> None:
        self.probes = probes
        self.iterations = iterations
        self.chooses = chooses

    def learn(self, example: Example, step: int) -> Tensor:
        """Makes one update and returns the losses (P,)."""
        factor = (1 + math.cos(math.pi * step / self.iterations)) / 2
        inputs = pooled_inputs(*example.head_inputs, self.probes.keys)
        return self.probes.step(inputs, example.target, factor=factor)

    def tensors(self) -> list[Tensor]:
        """Returns weights and momentum."""
        return list(self.probes.state_dict().values())

    def state_dict(self) -> dict[str, Any]:
        """Returns weights and momentum by name."""
        return self.probes.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes them back."""
        self.probes.load_state_dict(state)


def _online(
    settings: LinearProtocol,
    images: LabelledImages,
    blocks: int,
    encoder: FrozenBackbone,
    job: Job,
    *,
    order: SampleOrder,
) -> Examples:
    """Returns augmented images, encoded anew at every step."""
    spec = encoder.backbone.spec
    load = train_sample(images, settings.train, spec.preprocessing)
    if job.on_bad_image == "skip":
        load = with_replacement(load, len(images), order.held_out)
    layers = tuple(range(spec.depth - blocks, spec.depth))

    def see(pictures: Tensor) -> tuple[Tensor, Tensor]:
        given = settings.features
        tokens = encoder.tokens(pictures, layers=layers, norm=given.norm, precision=given.precision)
        return torch.stack([layer.cls for layer in tokens], 1).float(), tokens[-1].patches.mean(1).float()

    def batches(steps: range) -> Iterator[Batch]:
        return training_batches(load, _collate, order=order, steps=steps, world=encoder.world, workers=job.workers)

    return encoded(batches, encoder, see, order)


def _collate(samples: list[ClassificationSample]) -> Batch:
    return Batch(
        images=torch.stack([sample.image for sample in samples]),
        target=torch.tensor([sample.label for sample in samples]),
    )


def _from_store(images: LabelledFeatures, blocks: int, encoder: FrozenBackbone, order: SampleOrder) -> Examples:
    """Returns stored features in the order in which their images would come."""

    def examples(steps: range) -> Iterator[Example]:
        for step in steps:
            rows = torch.tensor([order.index(place) for place in order.places(step)])
            head_inputs = tuple(part.to(encoder.device) for part in images.pooled(blocks, rows))
            yield Example.of(head_inputs, images.labels[rows].to(encoder.device), order, step)

    return examples


def _rank(
    probes: LinearProbes,
    images: LabelledFeatures,
    chosen: list[int] | None = None,
    *,
    encoder: FrozenBackbone,
    blocks: int,
) -> list[Ranked]:
    """Ranks the classes of images by each probe; the processes share the images."""
    count = len(probes.probes) if chosen is None else len(chosen)

    def share(rows: Tensor) -> tuple[Tensor, Tensor]:
        parts = []
        for some in rows.split(_CHUNK):
            cls, mean = (part.to(encoder.device) for part in images.pooled(blocks, some))
            logits = probes(pooled_inputs(cls, mean, probes.keys), probes=chosen)
            parts.append([both.T for both in ranked(logits, images.labels[some].to(encoder.device))])
        prediction, rank = (torch.cat(part) for part in zip(*parts, strict=True))
        return prediction, rank

    prediction, rank = share_out(share, len(images), count, encoder)
    return [Ranked(prediction[:, place], rank[:, place]) for place in range(count)]


def _top1(by_probe: list[Ranked], diverged: list[bool]) -> list[float]:
    return [math.nan if gone else one.top1 for one, gone in zip(by_probe, diverged, strict=True)]


RUNNER = labelled_runner(run_linear)
