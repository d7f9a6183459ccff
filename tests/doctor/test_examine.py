"""Checks of a backbone's features: each must see what it is there to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.doctor import examine

IMAGES = torch.randn(3, 3, 42, 56, generator=torch.Generator().manual_seed(0))


class _Changed(nn.Module):
    """A backbone whose tokens another function has passed through."""

    def __init__(self, vit: nn.Module, change: Callable[[Any], Any]) -> None:
        super().__init__()
        self.vit, self.change, self.spec = vit, change, vit.spec

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list:
        return [self.change(tokens) for tokens in self.vit.tokens(images, layers=layers, norm=norm)]


def test_a_healthy_backbone_passes(make_vit: Callable) -> None:
    vit = make_vit(num_registers=2)
    assert examine.is_finite(vit, IMAGES)
    assert examine.is_deterministic(vit, IMAGES)
    assert examine.batch_dependence(vit, IMAGES) < 1e-5
    assert examine.patches_in_order(vit, IMAGES[0]) == (8, 8)
    assert min(examine.contrast(vit, IMAGES)) > 0.05


def test_norms_are_those_of_the_tokens(make_vit: Callable) -> None:
    vit = make_vit(num_registers=2)
    [tokens] = vit.tokens(IMAGES, norm=False)
    found = examine.norm_statistics(vit, IMAGES)
    lengths = tokens.patches.square().sum(-1).sqrt().flatten().sort().values
    assert found.cls == pytest.approx(float(tokens.cls.square().sum(-1).sqrt().mean()), rel=1e-5)
    assert found.registers == pytest.approx(float(tokens.registers.square().sum(-1).sqrt().mean()), rel=1e-5)
    assert found.patches == pytest.approx(float(lengths[(len(lengths) - 1) // 2]), rel=1e-5)
    assert found.largest_patch == pytest.approx(float(lengths[-1]), rel=1e-5)
    assert examine.norm_statistics(make_vit(), IMAGES).registers is None


def test_high_norm_patches_are_counted(make_vit: Callable) -> None:
    def artifact(tokens: Any) -> Any:
        patches = tokens.patches.clone()
        patches[0, 0] *= 100
        return replace(tokens, patches=patches)

    assert examine.norm_statistics(make_vit(), IMAGES).outliers == 0
    assert examine.norm_statistics(_Changed(make_vit(), artifact), IMAGES).outliers == pytest.approx(1 / (3 * 12))


@pytest.mark.parametrize(
    "swap",
    [
        lambda tokens: replace(tokens, patches=tokens.patches.flip(1)),
        lambda tokens: replace(tokens, patches=tokens.patches.roll(1, 1)),  # [CLS] at the end
        lambda tokens: replace(
            tokens, patches=tokens.patches.unflatten(1, tokens.grid).transpose(1, 2).flatten(1, 2)
        ),  # columns first
    ],
    ids=["reversed", "shifted", "columns first"],
)
def test_patches_in_another_order_are_noticed(make_vit: Callable, swap: Callable) -> None:
    right, tried = examine.patches_in_order(_Changed(make_vit(), swap), IMAGES[0])
    assert right < tried


def test_features_that_do_not_see_the_image_are_noticed(make_vit: Callable) -> None:
    blind = _Changed(make_vit(), lambda tokens: replace(tokens, patches=torch.ones_like(tokens.patches)))
    assert examine.contrast(blind, IMAGES)[1] == 0


def test_randomness_and_neighbours_are_noticed(make_vit: Callable) -> None:
    noisy = _Changed(make_vit(), lambda tokens: replace(tokens, cls=tokens.cls + torch.rand(1)))
    assert not examine.is_deterministic(noisy, IMAGES)
    mixing = _Changed(make_vit(), lambda tokens: replace(tokens, cls=tokens.cls - tokens.cls.mean(0)))
    assert examine.batch_dependence(mixing, IMAGES) > 0.01


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_drifts_a_little(make_vit: Callable, precision: str) -> None:
    drift = examine.precision_drift(make_vit(), IMAGES, precision)
    assert 0.99 < drift.worst_patch_cosine <= drift.patch_cosine < 1
    assert 0.99 < drift.cls_cosine < 1


def test_float16_is_nearer_than_bfloat16_and_ends_at_65504(make_vit: Callable) -> None:
    vit = make_vit()
    fine, coarse = (examine.precision_drift(vit, IMAGES, precision) for precision in ("float16", "bfloat16"))
    assert fine.patch_cosine > coarse.patch_cosine
    vit.blocks[0].mlp.fc1.weight.data *= 1e6
    assert not examine.precision_drift(vit, IMAGES, "float16").patch_cosine > 0


def test_a_larger_image_takes_longer(make_vit: Callable) -> None:
    vit = make_vit(embed_dim=192, num_heads=3, ffn_dim=768)
    assert examine.seconds_per_image(vit, (600, 600)) > examine.seconds_per_image(vit, (50, 50)) > 0


def test_images_that_are_timed_are_of_whole_patches_and_need_not_be_square(make_vit: Callable) -> None:
    seen = []
    vit = _Changed(make_vit(), lambda tokens: seen.append(tokens.grid) or tokens)
    examine.seconds_per_image(vit, (15, 42), rounds=1)
    assert seen == [(2, 3)]
