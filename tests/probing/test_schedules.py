"""Learning rates and first moments against the formulas, PyTorch's and mmengine's schedulers."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.optim import CosineAnnealingLR, LinearLR, PolyLR
from pydantic import ValidationError

from benchmark.load_protocol import load_protocol
from benchmark.probing.schedules import beta1_at, lr_factor
from benchmark.protocols.depth import DepthMomentum, DepthSchedule
from benchmark.protocols.segmentation import Schedule

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


_DEPTH_T, _DEPTH_W = 38_400, 12_800
_DEPTH_DINOV2 = DepthSchedule(decay="cosine", warmup=1 / 3, warmup_ratio=1e-3, floor=1e-8)
_DEPTH_DINOV3 = DepthSchedule(decay="one_cycle", warmup=1 / 3, warmup_ratio=1e-3, floor=1 / 25_000)
_MOMENTUM_DINOV2 = DepthMomentum(schedule="one_cycle", low=0.85, high=0.95, turn=0.3)
_MOMENTUM_DINOV3 = DepthMomentum(schedule="after_warmup", low=0.85, high=0.95, turn=0.3)
_MOMENTS = [0, 1, 100, 11_518, 11_519, 11_520, 12_799, 12_800, 12_801, 20_000, 38_398, 38_399]


@pytest.mark.parametrize("t", _MOMENTS)
def test_dinov2_depth_is_mmcvs_cosine_times_warmup(t: int) -> None:
    peak, lowest = 1e-4, 1e-4 * 1e-8
    regular = lowest + 0.5 * (peak - lowest) * (math.cos(math.pi * t / _DEPTH_T) + 1)
    missing = (1 - t / _DEPTH_W) * (1 - 0.001) if t < _DEPTH_W else 0
    assert peak * lr_factor(t, _DEPTH_T, _DEPTH_DINOV2) == pytest.approx(regular * (1 - missing), rel=1e-9)


def test_dinov2_depth_equals_mmengines_warmup_times_cosine() -> None:
    total, warmup = 300, 100
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = [
        LinearLR(optimizer, start_factor=1e-3, begin=0, end=warmup + 1, by_epoch=False),
        CosineAnnealingLR(optimizer, T_max=total, eta_min=0.0, begin=0, end=total + 1, by_epoch=False),
    ]
    for iteration in range(total):
        assert lr_factor(iteration, total, _DEPTH_DINOV2) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-7)
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()


@pytest.mark.parametrize("t", _MOMENTS)
def test_dinov3_depth_adds_its_warmup_to_a_thousandth(t: int) -> None:
    peak = 3e-4
    if t < _DEPTH_W:
        expected = peak / 1000 + peak * (1 + math.cos(math.pi * t / _DEPTH_T)) / 2 * t / _DEPTH_W
    else:
        lowest = peak / 25 / 1000
        expected = lowest + (peak - lowest) / 2 * (1 + math.cos(math.pi * (t + 1) / _DEPTH_T))
    assert peak * lr_factor(t, _DEPTH_T, _DEPTH_DINOV3) == pytest.approx(expected, rel=1e-9)


def test_depth_ends_at_its_floor() -> None:
    assert lr_factor(_DEPTH_T - 1, _DEPTH_T, _DEPTH_DINOV3) == pytest.approx(1 / 25_000)
    assert lr_factor(_DEPTH_T, _DEPTH_T, _DEPTH_DINOV2) == pytest.approx(1e-8)


@pytest.mark.parametrize("total", [1, 2, 3, 4, 20, 1000])
def test_dinov2s_first_moment_equals_pytorchs_one_cycle(total: int) -> None:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0, betas=(0.9, 0.999))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=total)
    for iteration in range(total):
        assert beta1_at(iteration, total, _MOMENTUM_DINOV2, _DEPTH_DINOV2) == pytest.approx(
            optimizer.param_groups[0]["betas"][0]
        )
        optimizer.step()
        if iteration + 1 < total:
            scheduler.step()


def test_dinov2s_first_moment_turns_before_the_warmup_ends() -> None:
    assert beta1_at(0, _DEPTH_T, _MOMENTUM_DINOV2, _DEPTH_DINOV2) == pytest.approx(0.95)
    assert beta1_at(11_519, _DEPTH_T, _MOMENTUM_DINOV2, _DEPTH_DINOV2) == pytest.approx(0.85)
    assert beta1_at(_DEPTH_T - 1, _DEPTH_T, _MOMENTUM_DINOV2, _DEPTH_DINOV2) == pytest.approx(0.95)


def test_dinov3_has_no_first_moment_in_warmup() -> None:  # trap 13
    assert {beta1_at(t, _DEPTH_T, _MOMENTUM_DINOV3, _DEPTH_DINOV3) for t in (0, 1, 6400, _DEPTH_W - 1)} == {0.0}
    assert beta1_at(_DEPTH_W, _DEPTH_T, _MOMENTUM_DINOV3, _DEPTH_DINOV3) == pytest.approx(0.85)
    t = 30_000
    expected = 0.95 - 0.05 * (1 + math.cos(math.pi * (t - _DEPTH_W) / (_DEPTH_T - _DEPTH_W)))
    assert beta1_at(t, _DEPTH_T, _MOMENTUM_DINOV3, _DEPTH_DINOV3) == pytest.approx(expected)
    assert beta1_at(_DEPTH_T - 1, _DEPTH_T, _MOMENTUM_DINOV3, _DEPTH_DINOV3) == pytest.approx(0.95)


def test_a_constant_first_moment_is_an_option() -> None:  # trap 13
    constant, zero = (_MOMENTUM_DINOV3.model_copy(update={"schedule": "constant", "high": high}) for high in (0.9, 0.0))
    assert {beta1_at(t, _DEPTH_T, constant, _DEPTH_DINOV3) for t in _MOMENTS} == {0.9}
    assert beta1_at(20_000, _DEPTH_T, zero, _DEPTH_DINOV3) == 0


@pytest.mark.parametrize("total", [2, 3, 10])
def test_a_first_moment_that_turns_at_once_starts_low(total: int) -> None:
    momentum = _MOMENTUM_DINOV2.model_copy(update={"turn": 1 / total})
    assert beta1_at(0, total, momentum, _DEPTH_DINOV2) == pytest.approx(0.85)
    assert beta1_at(total - 1, total, momentum, _DEPTH_DINOV2) == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("momentum", "schedule"),
    [(_MOMENTUM_DINOV2, _DEPTH_DINOV2), (_MOMENTUM_DINOV3, _DEPTH_DINOV3)],
    ids=["dinov2", "dinov3"],
)
def test_a_shorter_depth_run_keeps_the_shape(momentum: DepthMomentum, schedule: DepthSchedule) -> None:
    for share in (0.1, 0.5, 0.9):
        steps = ((round(share * total), total) for total in (3000, 30_000))
        short, long = ((lr_factor(*step, schedule), beta1_at(*step, momentum, schedule)) for step in steps)
        assert short == pytest.approx(long, abs=2e-3)
    for total in (1, 2, 3, 20):
        assert all(0 <= beta1_at(t, total, momentum, schedule) <= 0.95 for t in range(total))
        assert all(0 <= lr_factor(t, total, schedule) <= 1.001 for t in range(total))


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        (_DEPTH_DINOV2, {"decay": "mmcv"}),
        (_DEPTH_DINOV2, {"pct_start": 0.3}),
        (_DEPTH_DINOV2, {"floor": 2.0}),
        (_MOMENTUM_DINOV2, {"schedule": "cyclic"}),
        (_MOMENTUM_DINOV2, {"high": 1.0}),
        (_MOMENTUM_DINOV2, {"turn": 1.0}),
    ],
)
def test_a_depth_schedule_nobody_knows_is_refused(section: DepthSchedule | DepthMomentum, changes: dict) -> None:
    with pytest.raises(ValidationError):
        type(section).model_validate({**section.model_dump(), **changes})


@pytest.mark.parametrize(
    ("name", "schedule", "momentum"),
    [
        ("dinov2-lin1", _DEPTH_DINOV2, _MOMENTUM_DINOV2),
        ("dinov2-lin4", _DEPTH_DINOV2, _MOMENTUM_DINOV2),
        ("dinov3-lin", _DEPTH_DINOV3, _MOMENTUM_DINOV3),
    ],
)
def test_the_shipped_depth_protocols_have_these_schedules(
    name: str, schedule: DepthSchedule, momentum: DepthMomentum
) -> None:
    shipped = load_protocol("nyu", name).settings
    assert (shipped.schedule, shipped.optimizer.beta1) == (schedule, momentum)
