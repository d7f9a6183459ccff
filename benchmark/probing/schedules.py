"""Factors on the learning rate, as pure functions of the iteration."""

from __future__ import annotations

import math

from benchmark.protocols import Schedule


def lr_factor(iteration: int, total: int, schedule: Schedule) -> float:
    """Returns the factor on the peak learning rate at ``iteration`` (from 0) of ``total``.

    With t the iteration, T the total and W the warm-up length:
    for t < W, ``(1 - t/T) * (1 - (1 - t/W) * (1 - ratio))``; afterwards ``1 - t/T`` (mmcv 1.5's poly policy of
    power 1) or ``(1 + cos(pi (t + 1) / T)) / 2`` (facebookresearch/dinov3 ``eval/segmentation/schedulers.py``,
    ``WarmupOneCycleLR`` with ``pct_start: 0``). DINOv3 steps its scheduler from iteration 1 on, so its first two
    iterations share t = 0.
    """
    t = max(iteration - 1, 0) if schedule.first_update_twice else iteration
    warmup = round(schedule.warmup * total)
    if t < warmup:
        return (1 - t / total) * (1 - (1 - t / warmup) * (1 - schedule.warmup_ratio))
    if schedule.decay == "linear":
        return 1 - t / total
    return (1 + math.cos(math.pi * (t + 1) / total)) / 2
