"""Learning-rate factors against the formulas and against mmengine's schedulers."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.optim import LinearLR, PolyLR

from benchmark.probing.schedules import lr_factor
from benchmark.protocols import Schedule

_T, _W = 400, 15
_DINOV2 = Schedule(decay="linear", warmup=_W / _T, warmup_ratio=1e-6, first_update_twice=False)
_DINOV3 = Schedule(decay="cosine", warmup=_W / _T, warmup_ratio=1e-6, first_update_twice=True)


def test_dinov2_equals_mmengines_warmup_times_poly() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = [
        # mmengine arrives one iteration before ``end``, mmcv 1.5 arrived at it
        LinearLR(optimizer, start_factor=1e-6, begin=0, end=_W + 1, by_epoch=False),
        PolyLR(optimizer, power=1.0, eta_min=0.0, begin=0, end=_T + 1, by_epoch=False),
    ]
    for iteration in range(_T):
        assert lr_factor(iteration, _T, _DINOV2) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()


def test_dinov3_warms_up_linearly_then_follows_the_cosine() -> None:
    t = 7  # the iteration is one ahead
    assert lr_factor(t + 1, _T, _DINOV3) == pytest.approx((1 - t / _T) * (1 - (1 - t / _W) * (1 - 1e-6)))
    t = 200
    assert lr_factor(t + 1, _T, _DINOV3) == pytest.approx((1 + math.cos(math.pi * (t + 1) / _T)) / 2)


def test_dinov3s_first_two_iterations_share_a_rate() -> None:
    assert lr_factor(0, _T, _DINOV3) == lr_factor(1, _T, _DINOV3) == pytest.approx(1e-6)
    assert lr_factor(2, _T, _DINOV3) > lr_factor(1, _T, _DINOV3)


def test_a_shorter_run_keeps_the_shape() -> None:
    assert lr_factor(20, 40, _DINOV2) == pytest.approx(lr_factor(200, 400, _DINOV2))
    assert max(lr_factor(step, 20, _DINOV2) for step in range(20)) > 0.9


def test_without_warmup_it_starts_at_the_peak() -> None:
    schedule = Schedule(decay="linear", warmup=0.0, warmup_ratio=1e-6, first_update_twice=False)
    assert lr_factor(0, 10, schedule) == 1.0
