"""Frozen feature maps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmark.backbones import VisionTransformer, center_pad
from benchmark.errors import PrecisionError
from benchmark.features.frozen import FrozenFeatures
from benchmark.protocols.sections import Features

_CPU = torch.device("cpu")


def _settings(**changes: object) -> Features:
    return Features(**{"layers": (-1,), "norm": True, "precision": "float32", **changes})


def test_images_are_padded_to_whole_patches(make_vit: Callable) -> None:
    vit = make_vit()
    images = torch.randn(2, 3, 50, 60)
    features = FrozenFeatures(vit, _settings(), _CPU)
    [tokens] = vit.tokens(center_pad(images, 14))
    assert torch.equal(features(images), tokens.feature_map())
    assert features.forwards == 2


def test_layers_are_concatenated_along_channels(make_vit: Callable) -> None:
    vit = make_vit()
    images = torch.randn(1, 3, 56, 56)
    features = FrozenFeatures(vit, _settings(layers=(0, -1), norm=False), _CPU)
    first, last = vit.tokens(images, layers=(0, -1), norm=False)
    assert features.dim == 96
    assert torch.equal(features(images), torch.cat((first.feature_map(), last.feature_map()), 1))


@pytest.mark.parametrize(("precision", "far"), [("bfloat16", 0.05), ("float16", 0.006)])
def test_half_precision_is_near_float32_and_comes_back_as_float32(
    make_vit: Callable, precision: str, far: float
) -> None:
    """Eight bits of bfloat16 against eleven of float16."""
    vit, images = make_vit(), torch.randn(1, 3, 56, 56)
    low = FrozenFeatures(vit, _settings(precision=precision), _CPU)(images)
    full = FrozenFeatures(vit, _settings(), _CPU)(images)
    assert low.dtype == torch.float32
    assert not torch.equal(low, full)
    assert (low - full).norm() / full.norm() < far


def _overflowing(make_vit: Callable) -> VisionTransformer:
    """Finite in float32, beyond 65504 in float16."""
    vit = make_vit()
    with torch.no_grad():
        vit.patch_embed.proj.weight.mul_(1e7)
    return vit


def test_tokens_that_overflow_half_precision_are_refused_at_the_first_batch(make_vit: Callable) -> None:
    vit, images = _overflowing(make_vit), torch.randn(1, 3, 28, 28)
    assert FrozenFeatures(vit, _settings(), _CPU)(images).isfinite().all()
    with pytest.raises(PrecisionError, match="infinite in float16; give features"):
        FrozenFeatures(vit, _settings(precision="float16"), _CPU)(images)


def test_tokens_of_a_later_batch_are_told_when_asked(make_vit: Callable) -> None:
    features = FrozenFeatures(make_vit(), _settings(), _CPU)
    features(torch.randn(1, 3, 28, 28))
    features.refuse_not_finite()
    features(torch.full((1, 3, 28, 28), torch.inf))
    features(torch.randn(1, 3, 28, 28))
    with pytest.raises(PrecisionError, match="look at the weights"):
        features.refuse_not_finite()


def test_nothing_flows_back_into_the_backbone(make_vit: Callable) -> None:
    vit = make_vit().requires_grad_(True)
    assert not FrozenFeatures(vit, _settings(), _CPU)(torch.randn(1, 3, 28, 28)).requires_grad
