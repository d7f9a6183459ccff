"""Losses against values worked out by hand or written out naively."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmark.distributed import World
from benchmark.pretraining.losses import (
    centred,
    dino_loss,
    ibot_loss,
    koleo_loss,
    moved_center,
    multi_label_bce,
    sinkhorn,
)


def test_every_class_of_a_mixed_image_counts_whole() -> None:
    logits = torch.tensor([[0.0, math.log(3), -math.log(3)]])
    shares = torch.tensor([[0.99, 0.0, 0.01]])  # targets 1, 0, 1
    by_hand = (math.log(2) + math.log(4) + math.log(4)) / 3  # -log 1/2, -log(1 - 3/4), -log 1/4
    assert float(multi_label_bce(logits, shares)) == pytest.approx(by_hand, rel=1e-6)


def test_dino_compares_all_views_but_the_same_one() -> None:
    teacher = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])  # two views of one image
    log3 = 0.1 * math.log(3)
    student = torch.tensor([[[log3, 0.0]], [[log3, 0.0]], [[0.0, 0.0]]])  # softmax at 0.1: (3/4, 1/4) twice, then even
    # view 1 against teacher 2: -log 1/4; view 2 against teacher 1: -log 3/4; the local view against both: log 2
    by_hand = (math.log(4) + math.log(4 / 3) + 2 * math.log(2)) / 4
    assert float(dino_loss(student, teacher, 0.1)) == pytest.approx(by_hand, rel=1e-6)


def test_ibot_is_a_mean_over_images_of_means_over_their_hidden_patches() -> None:
    masks = torch.tensor([[True, False, True], [False, True, False], [False, False, False]])
    teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    student = torch.tensor([[math.log(3), 0.0], [0.0, 0.0], [math.log(3), 0.0]])
    first = (math.log(4 / 3) + math.log(2)) / 2
    second = (math.log(4 / 3) + math.log(4)) / 2
    assert float(ibot_loss(student, teacher, masks, 1.0)) == pytest.approx((first + second) / 3, rel=1e-6)
    none = torch.empty(0, 2)
    assert float(ibot_loss(none, none, torch.zeros(2, 3, dtype=torch.bool), 1.0)) == 0


def test_koleo_is_the_log_of_the_distance_to_the_nearest_on_the_sphere() -> None:
    features = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])  # neighbours at a right angle: distance sqrt 2
    assert float(koleo_loss(features)) == pytest.approx(-math.log(math.sqrt(2)), rel=1e-5)
    assert float(koleo_loss(features[:1])) == 0


def test_koleo_pushes_features_apart() -> None:
    features = torch.tensor([[1.0, 0.1], [1.0, -0.1]], requires_grad=True)
    koleo_loss(features).backward()
    assert features.grad[0, 1] < 0 < features.grad[1, 1]


def test_koleo_finds_the_nearest_in_float32_whatever_the_precision() -> None:
    angles = torch.tensor([0.06, 0.0, 0.02])  # all cosines are 1 in bfloat16
    features = torch.stack((angles.cos(), angles.sin()), dim=1)
    by_hand = -(2 * math.log(2 * math.sin(0.01)) + math.log(2 * math.sin(0.02))) / 3
    with torch.autocast("cpu", torch.bfloat16):
        assert float(koleo_loss(features)) == pytest.approx(by_hand, rel=1e-4)


def test_centering_subtracts_before_it_sharpens_and_the_center_follows() -> None:
    logits = torch.tensor([[1.0, 2.0], [3.0, 2.0]])
    center = torch.tensor([1.0, 0.0])
    torch.testing.assert_close(centred(logits, center, 0.5), ((logits - center) / 0.5).softmax(-1))
    torch.testing.assert_close(moved_center(center, logits, 0.9, World()), torch.tensor([0.9 + 0.2, 0.2]))
    torch.testing.assert_close(moved_center(center, logits, 0.5, World()), torch.tensor([1.5, 1.0]))
    torch.testing.assert_close(moved_center(center, logits[:0], 0.9, World()), center)


def _sinkhorn_written_out(logits: torch.Tensor, temperature: float) -> np.ndarray:
    q = np.exp(logits.double().numpy() / temperature).T
    q /= q.sum()
    for _ in range(3):
        q /= q.sum(1, keepdims=True) * q.shape[0]
        q /= q.sum(0, keepdims=True) * q.shape[1]
    return (q * q.shape[1]).T


def test_sinkhorn_equals_the_written_out_iteration_and_balances_prototypes() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(12, 4))).float()
    ours = sinkhorn(logits, 0.1, World())
    np.testing.assert_allclose(ours.numpy(), _sinkhorn_written_out(logits, 0.1), atol=1e-5)
    torch.testing.assert_close(ours.sum(1), torch.ones(12))
    many = sinkhorn(logits, 0.1, World(), iterations=200)
    torch.testing.assert_close(many.sum(0), torch.full((4,), 3.0), atol=1e-2, rtol=0)


def test_sinkhorn_uses_a_prototype_that_is_far_from_everything() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).uniform(-0.2, 0.2, (12, 4))).float()
    logits[:, 0] -= 0.6  # at a temperature of 0.04, its weights are 1e-20
    ours = sinkhorn(logits, 0.04, World())
    np.testing.assert_allclose(ours.numpy(), _sinkhorn_written_out(logits, 0.04), atol=1e-5)
    assert ours[:, 0].max() > 0.5


@pytest.mark.parametrize("length", [1.0, 5.0])
def test_sinkhorn_survives_a_low_temperature_and_long_prototypes(length: float) -> None:
    torch.testing.assert_close(sinkhorn(length * torch.eye(2), 0.01, World()), torch.eye(2))


def test_sinkhorn_of_nothing_is_nothing() -> None:
    assert sinkhorn(torch.empty(0, 4), 0.04, World()).shape == (0, 4)


def test_bce_is_torchs_on_whole_labels() -> None:
    logits, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 1, 1, 0])
    targets = F.one_hot(labels, 3).float()
    torch.testing.assert_close(multi_label_bce(logits, targets), F.binary_cross_entropy_with_logits(logits, targets))
