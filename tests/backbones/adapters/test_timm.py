"""Models through timm.

timm needs a torchvision that has no build beside the pinned torch, so these tests put a small stand-in for
``timm.create_model`` into its place. It answers as timm 1.0's ``forward_intermediates`` does.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.backbones import VisionTransformer, load_backbone
from benchmark.errors import CheckpointError


class _Model(nn.Module):
    """Our own ViT behind timm's interface."""

    def __init__(self, vit: VisionTransformer) -> None:
        super().__init__()
        self.vit = vit
        self.blocks = vit.blocks
        self.embed_dim = vit.spec.embed_dim
        self.num_prefix_tokens = 1 + vit.spec.num_registers
        self.patch_embed = types.SimpleNamespace(patch_size=(vit.spec.patch_size,) * 2)
        self.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2)}

    def forward_intermediates(
        self, images: Tensor, *, indices: list[int], return_prefix_tokens: bool, norm: bool, output_fmt: str,
        intermediates_only: bool,
    ) -> list[tuple[Tensor, Tensor]]:  # fmt: skip
        assert (return_prefix_tokens, output_fmt, intermediates_only) == (True, "NLC", True)
        assert indices == sorted(indices)
        found = self.vit.tokens(images, layers=indices, norm=norm)
        return [(layer.patches, torch.cat((layer.cls[:, None], layer.registers), 1)) for layer in found]


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch, make_vit: Callable) -> list[dict[str, Any]]:
    """Installs the stand-in and returns what it was asked for."""
    asked: list[dict[str, Any]] = []

    def create_model(name: str, **given: Any) -> nn.Module:
        asked.append({"name": name, "offline": os.environ.get("HF_HUB_OFFLINE"), **given})
        if name == "resnet50":
            return nn.Linear(1, 1)
        if name == "nothing":
            raise RuntimeError("Unknown model (nothing)")
        return _Model(make_vit(num_registers=2))

    module = types.ModuleType("timm")
    module.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", module)
    return asked


def test_tokens_come_in_the_order_asked_for(timm: list, make_vit: Callable) -> None:
    backbone, vit = load_backbone("timm:vit_x"), make_vit(num_registers=2)
    images = torch.randn(1, 3, 28, 42)
    for norm in (True, False):
        last, first = backbone.tokens(images, layers=(-1, 0), norm=norm)
        expected_last, expected_first = vit.tokens(images, layers=(-1, 0), norm=norm)
        assert torch.equal(last.patches, expected_last.patches)
        assert torch.equal(first.cls, expected_first.cls)
        assert torch.equal(first.registers, expected_first.registers)
        assert first.grid == (2, 3)
    assert backbone.spec.preprocessing.std == (0.2, 0.2, 0.2)
    assert backbone.spec.num_registers == 2


def test_weights_come_from_the_cache_or_a_file_and_never_from_the_network(
    timm: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    load_backbone("timm:vit_x")
    load_backbone("timm:vit_x@weights.safetensors")
    assert [ask["offline"] for ask in timm] == ["1", "1"]
    assert timm[0]["pretrained"] is True
    assert timm[1]["checkpoint_path"] == "weights.safetensors"
    assert "HF_HUB_OFFLINE" not in os.environ


@pytest.mark.parametrize(("name", "match"), [("resnet50", "no .CLS. and patch tokens"), ("nothing", "Unknown model")])
def test_what_timm_cannot_give_is_said(timm: list, name: str, match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        load_backbone(f"timm:{name}")


def test_without_timm_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(CheckpointError, match="needs timm and a torchvision"):
        load_backbone("timm:vit_small_patch14_dinov2")
