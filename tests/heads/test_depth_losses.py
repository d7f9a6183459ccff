"""Depth losses against written-out loops, and what the sources' versions get wrong."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from heads import GradientLoss, SigLoss


def _case(
    batch: int = 4, size: tuple[int, int] = (15, 18), *, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    prediction = 0.1 + 9 * torch.rand(batch, 1, *size, generator=generator, dtype=dtype)
    target = 0.1 + 9 * torch.rand(batch, 1, *size, generator=generator, dtype=dtype)
    target[torch.rand(target.shape, generator=generator) < 0.3] = 0
    return prediction, target


def _log_errors(prediction: Tensor, target: Tensor) -> list[float]:
    pairs = zip(prediction.flatten().tolist(), target.flatten().tolist(), strict=True)
    return [math.log(p + 0.001) - math.log(t + 0.001) for p, t in pairs if t > 0]


def _sig(prediction: Tensor, target: Tensor, *, warm_up: bool = False) -> float:
    errors = _log_errors(prediction, target)
    mean = math.fsum(errors) / len(errors)
    variance = math.fsum((error - mean) ** 2 for error in errors) / (len(errors) - 1)
    return math.sqrt(0.15 * mean**2 + (0 if warm_up else variance))


def _spatial_gradient(prediction: Tensor, target: Tensor) -> float:
    total = 0.0
    for step in (1, 2, 4, 6):
        steps, count = 0.0, 0
        for image_p, image_t in zip(prediction[:, 0, ::step, ::step], target[:, 0, ::step, ::step], strict=True):
            count += int((image_t > 0).sum())
            for p, t in ((image_p, image_t), (image_p.T, image_t.T)):
                for i in range(p.shape[0] - 2):
                    for j in range(p.shape[1]):
                        if t[i, j] > 0 and t[i + 2, j] > 0:
                            here, there = (math.log(p[k, j] + 0.001) - math.log(t[k, j] + 0.001) for k in (i, i + 2))
                            steps += abs(here - there)
        total += steps / count
    return total


# SigLoss


def test_sig_loss_equals_a_written_out_loop() -> None:
    prediction, target = _case(2)
    assert SigLoss()(prediction, target).item() == pytest.approx(_sig(prediction, target), rel=1e-9)


def test_sig_loss_in_float32_agrees_to_a_millionth() -> None:
    prediction, target = _case(2, (120, 160), dtype=torch.float32)
    assert SigLoss()(prediction, target).item() == pytest.approx(_sig(prediction, target), rel=1e-6)


def test_sig_loss_by_hand() -> None:
    prediction = torch.tensor([2.0, 8.0]) - 0.001
    target = torch.tensor([1.0, 2.0]) - 0.001
    mean, variance = 1.5 * math.log(2), math.log(2) ** 2 / 2  # of ln 2 and 2 ln 2
    loss = SigLoss()(prediction.view(1, 2), target.view(1, 2))
    assert loss.item() == pytest.approx(math.sqrt(variance + 0.15 * mean**2))


def test_statistics_are_of_groups_of_two_images() -> None:  # trap 12
    prediction, target = _case(6)
    groups = [_sig(prediction[start : start + 2], target[start : start + 2]) for start in (0, 2, 4)]
    assert SigLoss()(prediction, target).item() == pytest.approx(sum(groups) / 3, rel=1e-9)
    whole = SigLoss(group_size=None)(prediction, target).item()
    assert whole == pytest.approx(_sig(prediction, target), rel=1e-9)
    assert whole != pytest.approx(sum(groups) / 3, rel=1e-4)


def test_gradient_of_groups_is_the_mean_gradient_of_processes() -> None:  # trap 12
    prediction, target = _case(4)
    together = prediction.clone().requires_grad_()
    SigLoss()(together, target).backward()
    apart = [prediction[start : start + 2].clone().requires_grad_() for start in (0, 2)]
    for start, part in zip((0, 2), apart, strict=True):
        (SigLoss(group_size=None)(part, target[start : start + 2]) / 2).backward()
    torch.testing.assert_close(together.grad, torch.cat([part.grad for part in apart]))


def test_a_last_group_may_be_smaller() -> None:
    prediction, target = _case(3)
    expected = (_sig(prediction[:2], target[:2]) + _sig(prediction[2:], target[2:])) / 2
    assert SigLoss()(prediction, target).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("iteration", "warm_up"), [(0, True), (99, True), (100, False), (None, False)])
def test_the_first_hundred_iterations_ignore_the_spread(iteration: int | None, warm_up: bool) -> None:
    prediction, target = _case(2)
    loss = SigLoss()(prediction, target, iteration=iteration)
    assert loss.item() == pytest.approx(_sig(prediction, target, warm_up=warm_up), rel=1e-9)


def test_the_loss_of_an_iteration_does_not_depend_on_earlier_calls() -> None:
    # the sources count their calls, and begin the warm-up anew when training resumes
    prediction, target = _case(2)
    loss = SigLoss()
    first = loss(prediction, target, iteration=500)
    for _ in range(150):
        loss(prediction[:, :, :2, :2], target[:, :, :2, :2], iteration=0)
    assert loss(prediction, target, iteration=500) == first


def test_sig_loss_passes_gradcheck() -> None:
    prediction, target = _case(3, (2, 3))
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: SigLoss()(p, target), prediction)
    assert torch.autograd.gradcheck(lambda p: SigLoss()(p, target, iteration=3), prediction)


@pytest.mark.parametrize("loss", [SigLoss(), GradientLoss()], ids=["sig", "gradient"])
def test_a_group_without_depth_contributes_nothing(loss: SigLoss | GradientLoss) -> None:
    prediction, target = _case(4)
    target[:2] = 0
    prediction[0, 0, 0, 0] = -1.0  # its logarithm would be nan
    prediction.requires_grad_()
    value = loss(prediction, target)
    value.backward()
    assert value.item() == pytest.approx(loss(prediction[2:], target[2:]).item() / 2, rel=1e-9)
    assert not prediction.grad[:2].any()
    assert prediction.grad[2:].isfinite().all()
    assert prediction.grad[2:].any()


@pytest.mark.parametrize("loss", [SigLoss(), GradientLoss()], ids=["sig", "gradient"])
def test_no_depth_at_all_is_zero_with_gradient_zero(loss: SigLoss | GradientLoss) -> None:
    prediction, target = _case(2)
    prediction.requires_grad_()
    value = loss(prediction, torch.zeros_like(target))
    value.backward()
    assert value.item() == 0
    assert not prediction.grad.any()


def test_one_valid_pixel_has_no_spread() -> None:
    prediction, target = _case(2)
    only = torch.zeros_like(target)
    only[1, 0, 3, 4] = 2.0
    prediction.requires_grad_()
    loss = SigLoss()(prediction, only)
    loss.backward()
    expected = math.sqrt(0.15) * abs(math.log((prediction[1, 0, 3, 4].item() + 0.001) / 2.001))
    assert loss.item() == pytest.approx(expected)
    assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("iteration", [0, None])
def test_a_perfect_prediction_is_zero_and_not_nan(iteration: int | None) -> None:
    _, target = _case(2)
    prediction = target.clone().requires_grad_()
    loss = SigLoss()(prediction, target, iteration=iteration)
    loss.backward()
    assert loss.item() == 0
    assert not prediction.grad.any()


def test_a_diverged_prediction_is_nan() -> None:
    prediction, target = _case(2)
    assert SigLoss()(prediction * float("nan"), target).isnan()


def test_depth_beyond_the_limit_is_not_scored_and_the_limit_is() -> None:
    prediction, target = torch.full((1, 3), 5.0), torch.tensor([[10.0, 10.5, 4.0]])
    limited = SigLoss(max_depth=10.0)(prediction, target)
    assert limited == SigLoss()(prediction[:, ::2], target[:, ::2])
    assert limited != SigLoss()(prediction, target)


def test_half_precision_is_widened() -> None:
    prediction, target = _case(2, dtype=torch.float32)
    half = SigLoss()(prediction.bfloat16(), target)
    assert half.dtype == torch.float32
    assert half == SigLoss()(prediction.bfloat16().float(), target)


# GradientLoss


def test_gradient_loss_printed_by_dinov2_is_exactly_zero_on_two_images() -> None:  # trap 11
    prediction, target = _case(2)
    prediction.requires_grad_()
    loss = GradientLoss(axes="printed")(prediction, target)
    loss.backward()
    assert loss.item() == 0
    assert not prediction.grad.any()
    assert GradientLoss()(prediction, target) > 0.1


def test_gradient_loss_printed_by_dinov2_compares_pixels_of_different_images() -> None:  # trap 11
    prediction, target = _case(3)
    error = torch.where(target > 0, ((prediction + 0.001) / (target + 0.001)).log(), 0)[:, 0]
    both = (target[0, 0] > 0) & (target[2, 0] > 0)
    # strides 2, 4 and 6 leave two images or one
    expected = ((error[0] - error[2]).abs() * both).sum() / (target > 0).sum()
    assert GradientLoss(axes="printed", group_size=None)(prediction, target).item() == pytest.approx(expected.item())


def test_spatial_gradient_loss_equals_a_written_out_loop() -> None:
    prediction, target = _case(4)
    expected = sum(_spatial_gradient(prediction[s], target[s]) for s in (slice(0, 2), slice(2, 4))) / 2
    assert GradientLoss()(prediction, target).item() == pytest.approx(expected, rel=1e-9)


def test_spatial_gradient_loss_by_hand() -> None:
    logs = [0.0, 1.0, 3.0, -1.0, 3.0]
    prediction, target = torch.tensor(logs).exp().view(1, 1, 1, 5) - 0.001, torch.full((1, 1, 1, 5), 0.999)
    # stride 1: |0-3|, |1+1|, |3-3| of five; stride 2: 0, 3, 3: |0-3| of three; strides 4, 6: nothing two apart
    assert GradientLoss()(prediction, target).item() == pytest.approx((3 + 2 + 0) / 5 + 3 / 3, rel=1e-5)


def test_spatial_gradient_loss_ignores_a_wrong_scale() -> None:
    _, target = _case(2)
    scaled = torch.where(target > 0, 3 * (target + 0.001) - 0.001, 1)
    assert GradientLoss()(scaled, target).item() == pytest.approx(0, abs=1e-12)


def test_spatial_gradient_loss_passes_gradcheck() -> None:
    prediction, target = _case(3, (3, 5))
    prediction.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: GradientLoss()(p, target), prediction)


def test_maps_too_small_for_differences_are_zero() -> None:
    prediction, target = _case(2, (1, 2))
    assert GradientLoss()(prediction, target.clamp(min=1)).item() == 0


# both


def test_descending_the_losses_fits_the_target() -> None:
    _, target = _case(2, (8, 8))
    target = target.clamp(min=0.5)
    log_depth = torch.zeros_like(target, requires_grad=True)
    optimizer = torch.optim.Adam([log_depth], lr=0.05)
    values = []
    for _ in range(200):
        loss = SigLoss()(log_depth.exp(), target) + 0.5 * GradientLoss()(log_depth.exp(), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    thinned = values[::40]
    assert all(later < earlier for earlier, later in pairwise(thinned))
    assert values[-1] < 0.1 * values[0]


@pytest.mark.parametrize("loss", [SigLoss(), GradientLoss()], ids=["sig", "gradient"])
def test_order_of_groups_does_not_matter(loss: SigLoss | GradientLoss) -> None:
    prediction, target = _case(4)
    swapped = [2, 3, 1, 0]
    torch.testing.assert_close(loss(prediction, target), loss(prediction[swapped], target[swapped]))


@pytest.mark.parametrize("make", [SigLoss, GradientLoss])
def test_bad_input_is_refused(make: type[SigLoss | GradientLoss]) -> None:
    depth = torch.ones(2, 1, 4, 4)
    with pytest.raises(ValueError, match="differ in shape; resize the prediction"):
        make()(depth, depth[..., :2])
    with pytest.raises(ValueError, match="no pixel to score"):
        make()(depth[:0], depth[:0])
    with pytest.raises(ValueError, match="group_size must be positive or None, received 0"):
        make(group_size=0)(depth, depth)


def test_gradient_loss_refuses_what_it_cannot_mean() -> None:
    depth = torch.ones(2, 1, 4, 4)
    with pytest.raises(ValueError, match=r"must be \(B, 1, H, W\)"):
        GradientLoss()(depth[:, 0], depth[:, 0])
    with pytest.raises(ValueError, match="axes must be"):
        GradientLoss(axes="images")(depth, depth)


def test_the_share_of_the_mean_and_the_epsilon_can_be_chosen() -> None:
    prediction, target = torch.tensor([[[1.0, 3.5]]]).double(), torch.tensor([[[0.5, 1.5]]]).double()
    error = ((prediction + 0.5) / (target + 0.5)).log()  # ln 1.5 and ln 2
    expected = (error.var() + 0.7 * error.mean() ** 2).sqrt().item()
    assert SigLoss(mean_weight=0.7, epsilon=0.5)(prediction, target).item() == pytest.approx(expected, rel=1e-9)
    row, same = torch.tensor([1.0, 1.0, 3.5]).view(1, 1, 1, 3), torch.ones(1, 1, 1, 3)
    step = torch.tensor(4.0 / 1.5).log().item()  # at stride 1 only, over three valid pixels
    assert GradientLoss(epsilon=0.5)(row, same).item() == pytest.approx(step / 3, rel=1e-6)
