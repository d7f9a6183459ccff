"""Factors on the learning rate and decay rates of the first moment, as pure functions of the iteration."""

from __future__ import annotations

import math

from benchmark.protocols.depth import DepthMomentum, DepthOptimizer, DepthSchedule
from benchmark.protocols.segmentation import Optimizer, Schedule


def lr_factor(iteration: int, total: int, schedule: Schedule | DepthSchedule) -> float:
    """Returns the factor on the peak learning rate at ``iteration`` (from 0) of ``total``.

    With t the iteration, T the total and W the warm-up length, in segmentation:
    for t < W, ``(1 - t/T) * (1 - (1 - t/W) * (1 - ratio))``; afterwards ``1 - t/T`` (mmcv 1.5's poly policy of
    power 1) or ``(1 + cos(pi (t + 1) / T)) / 2`` (facebookresearch/dinov3 ``eval/segmentation/schedulers.py``,
    ``WarmupOneCycleLR`` with ``pct_start: 0``). DINOv3 steps its scheduler from iteration 1 on, so its first two
    iterations share t = 0.

    In depth, with c(s) = ``floor + (1 - floor) (1 + cos(pi s / T)) / 2``:

    * ``"cosine"``: c(t), times ``1 - (1 - t/W) (1 - ratio)`` for t < W (mmcv 1.5's CosineAnnealing policy with linear
      warm-up).
    * ``"one_cycle"``: for t < W, ``ratio + (1 + cos(pi t / T)) / 2 * t/W``; afterwards c(t + 1)
      (facebookresearch/dinov3 ``eval/depth/schedulers.py``, ``WarmupOneCycleLR`` without ``warmup_ratio``). The
      warm-up adds the ratio to the product, so it ends a little above the cosine it then falls to.
    """
    if isinstance(schedule, DepthSchedule):
        return _depth_lr_factor(iteration, total, schedule)
    t = max(iteration - 1, 0) if schedule.first_update_twice else iteration
    warmup = round(schedule.warmup * total)
    if t < warmup:
        return (1 - t / total) * (1 - (1 - t / warmup) * (1 - schedule.warmup_ratio))
    if schedule.decay == "linear":
        return 1 - t / total
    return _cosine(1, 0, (t + 1) / total)


def beta1_at(iteration: int, total: int, momentum: DepthMomentum, schedule: DepthSchedule) -> float:
    """Returns the decay rate of Adam's first moment at ``iteration`` (from 0) of ``total``.

    * ``"one_cycle"``: cosine from ``high`` down to ``low`` at iteration ``turn T - 1``, then up to ``high`` at
      ``T - 1``: mmcv 1.5's OneCycle momentum policy and ``torch.optim.lr_scheduler.OneCycleLR``, whose defaults are
      0.85, 0.95 and 0.3. Its cycle is not tied to the learning rate's warm-up.
    * ``"after_warmup"``: 0, no momentum at all, for t < W, then cosine from ``low`` to ``high`` at T: what
      ``WarmupOneCycleLR`` of facebookresearch/dinov3 ``eval/depth/schedulers.py`` does, intended or not.
    * ``"constant"``: ``high``.

    Args:
        iteration: t.
        total: T.
        momentum: Shape and values.
        schedule: That of the learning rate, which says what warm-up is.
    """
    if momentum.schedule == "constant":
        return momentum.high
    if momentum.schedule == "one_cycle":
        turn = momentum.turn * total - 1
        if iteration < turn:
            return _cosine(momentum.high, momentum.low, iteration / turn)
        return _cosine(momentum.low, momentum.high, (iteration - turn) / (total - 1 - turn))
    warmup = round(schedule.warmup * total)
    if iteration < warmup:
        return 0.0
    return _cosine(momentum.low, momentum.high, (iteration - warmup) / (total - warmup))


def betas_at(
    iteration: int, total: int, optimizer: Optimizer | DepthOptimizer, schedule: Schedule | DepthSchedule
) -> tuple[float, float]:
    """Returns the decay rates of Adam's two moments at ``iteration`` (from 0) of ``total``."""
    if isinstance(optimizer, DepthOptimizer):
        return beta1_at(iteration, total, optimizer.beta1, schedule), optimizer.beta2
    return optimizer.betas


def _depth_lr_factor(t: int, total: int, schedule: DepthSchedule) -> float:
    warmup = round(schedule.warmup * total)
    progress = t / warmup if t < warmup else 1
    if schedule.decay == "cosine":
        return _cosine(1, schedule.floor, t / total) * (1 - (1 - progress) * (1 - schedule.warmup_ratio))
    if t < warmup:
        return schedule.warmup_ratio + _cosine(1, 0, t / total) * progress
    return _cosine(1, schedule.floor, (t + 1) / total)


def _cosine(start: float, end: float, share: float) -> float:
    """Returns the value a ``share`` of the way from ``start`` to ``end`` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
