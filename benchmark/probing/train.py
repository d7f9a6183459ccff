"""The one training loop: batch, frozen features, every probe's loss, step.

Segmentation, depth and linear classification differ in head, loss and target only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.probing.features import FrozenFeatures
from benchmark.probing.resume import ResumeFile
from benchmark.probing.schedules import betas_at, lr_factor
from benchmark.progress import Progress
from benchmark.protocols import DepthOptimizer, DepthSchedule, Optimizer, Schedule


@dataclass(frozen=True)
class Probe:
    """One head of a sweep. It trains among others exactly as it would alone."""

    lr: float
    """Peak learning rate."""

    weight_decay: float
    """Weight decay, of all parameters."""

    seed: tuple[int, ...]
    """Entropy of its initial weights and dropout."""

    head: nn.Module
    """Maps features to predictions; trained in place."""


@dataclass(frozen=True)
class Batch:
    """Images with what the probes should say of them."""

    images: Tensor
    """(B, 3, H, W), normalised."""

    target: Tensor
    """(B, ...), whatever the loss takes."""


def train_probes(
    probes: list[Probe],
    batches: Callable[[range], Iterator[Batch]],
    features: FrozenFeatures,
    loss: Callable[[Tensor, Tensor, int], Tensor],
    *,
    batch_size: int,
    iterations: int,
    optimizer: Optimizer | DepthOptimizer,
    schedule: Schedule | DepthSchedule,
    resume: ResumeFile,
    label: str,
) -> None:
    """Trains all probes on one pass of the backbone over ``iterations`` batches.

    Every probe has its own optimiser, learning rate, gradient norm and random numbers.

    Args:
        probes: Heads to train, on the device of the features.
        batches: From a range of steps to this process's share of their batches.
        features: The frozen backbone.
        loss: From (prediction, target, update) to a scalar.
        batch_size: Images of a whole batch.
        iterations: Updates of each probe.
        optimizer: Moments and clipping.
        schedule: Learning rate over the updates.
        resume: Where the state is kept; training goes on from it.
        label: What the progress line says.
    """
    optimizers = [
        torch.optim.AdamW(probe.head.parameters(), lr=probe.lr, weight_decay=probe.weight_decay) for probe in probes
    ]
    start = _restore(resume, probes, optimizers)
    if features.world.leads:
        features.forwards += start * batch_size  # what an earlier run did counts too
    for probe in probes:
        probe.head.train()
    steps = range(start, iterations)
    progress = Progress(iterations, label, done=start, quiet=not features.world.leads)
    for step, batch in zip(steps, batches(steps), strict=True):
        seen = [features.world.gather(part, batch_size) for part in features.seen(batch.images)]
        target = features.world.gather(batch.target.to(features.device, non_blocking=True), batch_size)
        factor, betas = lr_factor(step, iterations, schedule), betas_at(step, iterations, optimizer, schedule)
        losses = []
        for probe, adamw in zip(probes, optimizers, strict=True):
            seed_torch(*probe.seed, step)  # dropout is a function of (probe, step)
            adamw.param_groups[0] |= {"lr": probe.lr * factor, "betas": betas}
            losses.append(_update(probe.head, adamw, loss(probe.head(*seen), target, step), optimizer.clip_norm))
        progress.advance(lambda losses=losses: f"best loss {min(map(float, losses)):.4f}")
        if features.world.leads and (resume.due() or step + 1 == iterations):
            resume.save(_state(step + 1, probes, optimizers))
    progress.close()
    for probe in probes:
        features.world.agree(probe.head)
        probe.head.eval()


def seed_torch(*entropy: int) -> None:
    """Seeds PyTorch's global generators from several numbers."""
    torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]))


def _update(head: nn.Module, adamw: torch.optim.AdamW, loss: Tensor, clip_norm: float | None) -> Tensor:
    adamw.zero_grad()
    loss.backward()
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(head.parameters(), clip_norm)
    adamw.step()
    return loss.detach()


def _state(step: int, probes: list[Probe], optimizers: list[torch.optim.AdamW]) -> dict[str, Any]:
    return {
        "step": step,
        "heads": [probe.head.state_dict() for probe in probes],
        "optimizers": [adamw.state_dict() for adamw in optimizers],
    }


def _restore(resume: ResumeFile, probes: list[Probe], optimizers: list[torch.optim.AdamW]) -> int:
    state = resume.load()
    if state is None:
        return 0
    for probe, head in zip(probes, state["heads"], strict=True):
        probe.head.load_state_dict(head)
    for adamw, saved in zip(optimizers, state["optimizers"], strict=True):
        adamw.load_state_dict(saved)
    return state["step"]
