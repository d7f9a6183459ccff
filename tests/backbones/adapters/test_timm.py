"""Models through timm.

timm needs a torchvision that has no build beside the pinned torch, so these tests put a small stand-in for
``timm.create_model`` into its place. It answers as timm 1.0's ``forward_intermediates`` does.
"""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmark.backbones import Preprocessing, VisionTransformer, load_backbone
from benchmark.errors import CheckpointError


class _Model(nn.Module):
    """Our own ViT behind timm's interface."""

    def __init__(self, vit: VisionTransformer) -> None:
        super().__init__()
        self.vit = vit
        self.blocks = vit.blocks
        self.embed_dim = vit.spec.embed_dim
        self.num_prefix_tokens = 1 + vit.spec.num_registers
        self.norm = vit.norm
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
        model = _Model(make_vit(num_registers=2))
        if name == "naflexvit":  # timm/models/naflexvit.py has `embeds` and no `patch_embed`
            del model.patch_embed
        if name == "oblong":
            model.patch_embed.patch_size = (14, 7)
        if name == "pooled":  # timm/models/vision_transformer.py: with fc_norm there is no norm
            model.norm = nn.Identity()
        if name == "refuses":
            model.forward_intermediates = None
        if name == "bare":
            model.pretrained_cfg = {}
        return model

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


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("resnet50", "no .CLS. and patch tokens"),
        ("naflexvit", "no .CLS. and patch tokens in one fixed grid .*NaFlex"),
        ("nothing", "Unknown model"),
        ("oblong", "patches of 14 x 7 pixels are not square"),
        ("refuses", "refuses cannot be run on images of another size than its own: 'NoneType' object"),
    ],
)
def test_what_timm_cannot_give_is_said(timm: list, name: str, match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        load_backbone(f"timm:{name}")


def test_timms_own_way_of_resizing_positions_can_be_asked_for_and_no_other(timm: list) -> None:
    load_backbone("timm:vit_x", interpolate_offset=0.0, interpolate_antialias=True)
    for other in ({"interpolate_offset": 0.1}, {"interpolate_antialias": False}):
        with pytest.raises(CheckpointError, match="takes mean, std only, not interpolate_"):
            load_backbone("timm:vit_x", **other)


def test_a_norm_that_timm_leaves_to_the_pooled_vector_is_told(timm: list) -> None:
    assert "no norm after its last block in timm" in load_backbone("timm:pooled").source.notes[0]
    assert load_backbone("timm:vit_x").source.notes == ()


def test_statistics_are_those_of_the_weights_in_the_cache_and_assumed_without(timm: list) -> None:
    assert load_backbone("timm:vit_x").source.assumed == ()
    bare = load_backbone("timm:bare")
    assert (bare.source.assumed, bare.spec.preprocessing) == (("mean", "std"), Preprocessing())


@pytest.mark.parametrize("name", ["model.safetensors", "mine.pth"])
def test_a_file_of_weights_has_the_statistics_beside_it_else_the_architectures_are_assumed(
    timm: list, tmp_path: Path, name: str
) -> None:
    """A config belongs to the weights of its folder, as for a file that is read without timm."""
    weights, path = {"a": torch.ones(1)}, tmp_path / name
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save({"model": weights}, path)
    assert load_backbone(f"timm:vit_x@{path}").source.assumed == ("mean", "std")
    assert load_backbone(f"timm:vit_x@{path}").spec.preprocessing.mean == (0.5, 0.5, 0.5)
    told = {"architecture": "vit_x", "pretrained_cfg": {"mean": [0.1] * 3, "std": [0.2] * 3}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    beside = load_backbone(f"timm:vit_x@{path}")
    assert (beside.spec.preprocessing.mean, beside.source.assumed, beside.source.notes) == ((0.1,) * 3, (), ())
    torch.save(weights, tmp_path / "other.pth")
    among = load_backbone(f"timm:vit_x@{path}")
    belongs = name == "model.safetensors"
    assert among.spec.preprocessing.mean == ((0.1,) * 3 if belongs else (0.5,) * 3)
    assert among.source.assumed == (() if belongs else ("mean", "std"))
    assert any("not read: config.json beside it" in note for note in among.source.notes) is not belongs


def test_the_average_that_timm_prefers_in_a_training_file_is_told(timm: list, tmp_path: Path) -> None:
    """Source: timm/models/_helpers.py, ``load_state_dict`` with ``use_ema``."""
    weights = {"a": torch.ones(1)}
    torch.save({"state_dict": weights, "state_dict_ema": weights, "epoch": 3}, tmp_path / "last.pth.tar")
    [note] = load_backbone(f"timm:vit_x@{tmp_path / 'last.pth.tar'}").source.notes
    assert note == "timm took 'state_dict_ema' of ['epoch', 'state_dict', 'state_dict_ema']"


def test_without_timm_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(CheckpointError, match="needs timm and a torchvision"):
        load_backbone("timm:vit_small_patch14_dinov2")
