"""Parameter and operation counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmark.backbones import VisionTransformer, ViTSpec, load_backbone
from benchmark.backbones.cost import count_gflops, count_params
from benchmark.backbones.spec import PositionInterpolation


def test_vit_large_has_the_published_parameters() -> None:
    rule = PositionInterpolation(0.1, antialias=False)
    spec = ViTSpec(
        arch="ViT-L/14", embed_dim=1024, depth=24, num_heads=16, patch_size=14, grid_size=37, ffn="mlp",
        ffn_dim=4096, norm_eps=1e-6, position_interpolation=rule,
    )  # fmt: skip
    with torch.device("meta"):
        vit = VisionTransformer(spec)
    mask_token = 1024  # dropped here, counted in 304,368,640
    assert count_params(vit) == 304_368_640 - mask_token


def test_operations_equal_the_written_out_sum(make_vit: Callable) -> None:
    vit = make_vit()
    width, hidden, patches = 48, 96, 16 * 16
    tokens = patches + 1
    block = tokens * (4 * width * width + 2 * width * hidden) + 2 * tokens * tokens * width
    expected = 2 * (patches * width * 3 * 14 * 14 + 3 * block) / 1e9
    assert count_gflops(vit) == pytest.approx(expected)


def test_raw_pixels_cost_nothing() -> None:
    assert count_params(load_backbone("pixels")) == 0
    assert count_gflops(load_backbone("pixels")) == 0
