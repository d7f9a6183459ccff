"""The strip-wise loss against the stock one, in value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from heads import losses, upsampled_cross_entropy


def _stock(logits: Tensor, labels: Tensor, average: str) -> Tensor:
    full = F.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    per_pixel = F.cross_entropy(full, labels.long(), ignore_index=255, reduction="none")
    return per_pixel.mean() if average == "all" else per_pixel.sum() / (labels != 255).sum()


def _case(dtype: torch.dtype = torch.float32, *, size: tuple[int, int] = (40, 56)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 7, 5, 6, generator=generator, dtype=dtype)
    labels = torch.randint(0, 7, (2, *size), generator=generator, dtype=torch.uint8)
    labels[0, :9] = 255
    return logits, labels


@pytest.mark.parametrize("average", ["all", "labelled"])
@pytest.mark.parametrize("strip", [1, 500, 1 << 20], ids=["one row", "few rows", "one strip"])
@pytest.mark.parametrize("size", [(40, 56), (5, 6), (3, 4)], ids=["up", "same", "down"])
def test_value_and_gradient_equal_the_stock_loss(
    monkeypatch: pytest.MonkeyPatch, average: str, strip: int, size: tuple[int, int]
) -> None:
    monkeypatch.setitem(losses._STRIP_ELEMENTS, "cpu", strip)
    logits, labels = _case(torch.float64, size=size)
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    value, expected = upsampled_cross_entropy(ours, labels, average=average), _stock(theirs, labels, average)
    (2 * value).backward()
    (2 * expected).backward()
    torch.testing.assert_close(value, expected)
    # bilinear weights are float64 here, so only rounding is left
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)


def test_float32_agrees_to_a_millionth() -> None:
    logits, labels = _case()
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    value, expected = upsampled_cross_entropy(ours, labels), _stock(theirs, labels, "all")
    value.backward()
    expected.backward()
    torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-8)


def test_gradient_passes_gradcheck() -> None:
    logits = torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[[0, 1, 255], [2, 2, 1]]])
    assert torch.autograd.gradcheck(lambda x: upsampled_cross_entropy(x, labels), logits)


def test_half_precision_keeps_the_small_gradients() -> None:
    logits, labels = _case()
    half, full = logits.half().requires_grad_(), logits.half().float().requires_grad_()
    scale = 4096.0
    (scale * upsampled_cross_entropy(half, labels)).backward()
    (scale * _stock(full, labels, "all")).backward()
    assert half.grad.dtype == torch.float16
    torch.testing.assert_close(half.grad.float(), full.grad, rtol=2e-3, atol=1e-6)


def test_autocast_does_not_touch_it() -> None:
    logits, labels = _case()
    with torch.autocast("cpu", torch.bfloat16):
        inside = upsampled_cross_entropy(logits, labels)
    assert inside == upsampled_cross_entropy(logits, labels)


def test_extreme_logits_stay_finite() -> None:
    logits, labels = _case()
    logits = (logits * 1e4).requires_grad_()
    upsampled_cross_entropy(logits, labels).backward()
    assert logits.grad.isfinite().all()


def test_loss_mean_includes_ignored_pixels() -> None:  # trap 10
    logits = torch.tensor([[[[2.0, 0.0]], [[0.0, 0.0]]]])
    labels = torch.tensor([[[0, 255]]])
    one_pixel = math.log(1 + math.exp(-2.0))
    assert upsampled_cross_entropy(logits, labels).item() == pytest.approx(one_pixel / 2)
    assert upsampled_cross_entropy(logits, labels, average="labelled").item() == pytest.approx(one_pixel)


def test_nothing_labelled_is_zero_over_all_and_nan_over_none() -> None:
    logits, labels = torch.randn(1, 3, 2, 2), torch.full((1, 4, 4), 255)
    assert upsampled_cross_entropy(logits, labels).item() == 0
    assert math.isnan(upsampled_cross_entropy(logits, labels, average="labelled").item())


@pytest.mark.parametrize(
    ("logits", "labels", "options", "match"),
    [
        (torch.zeros(1, 3, 2, 2), torch.full((1, 4, 4), 3), {}, r"\[0, 3\) or equal 255; found 3 to 3"),
        (torch.zeros(1, 3, 2, 2), torch.full((1, 4, 4), -1), {}, "found -1"),
        (torch.zeros(2, 3, 2, 2), torch.zeros(1, 4, 4, dtype=torch.long), {}, "same batch"),
        (torch.zeros(0, 3, 2, 2), torch.zeros(0, 4, 4, dtype=torch.long), {}, "no pixel to score"),
        (torch.zeros(1, 3, 2), torch.zeros(1, 4, 4, dtype=torch.long), {}, r"\(B, C, h, w\)"),
        (torch.zeros(1, 3, 2, 2), torch.zeros(1, 4, 4, dtype=torch.long), {"average": "mean"}, "average"),
    ],
)
def test_bad_input_is_refused(logits: Tensor, labels: Tensor, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        upsampled_cross_entropy(logits, labels, **options)
