"""Models of other families through transformers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModel,
    BeitConfig,
    BeitModel,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from benchmark.backbones import load_backbone
from benchmark.errors import CheckpointError

_FIELDS: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}


def _saved(model: Any, folder: Path) -> Path:
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


def test_a_model_with_registers_equals_our_own_reading_of_it(tmp_path: Path) -> None:
    config = Dinov2WithRegistersConfig(**_FIELDS, num_register_tokens=3)
    folder = _saved(Dinov2WithRegistersModel(config), tmp_path)
    ours, theirs = load_backbone(folder), load_backbone(f"hf:{folder}")
    assert theirs.spec.num_registers == 3
    images = torch.randn(1, 3, 40, 24)
    for norm in (True, False):
        for one, other in zip(
            ours.tokens(images, layers=(0, 1), norm=norm), theirs.tokens(images, layers=(0, 1), norm=norm), strict=True
        ):
            torch.testing.assert_close(one.cls, other.cls, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(one.registers, other.registers, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(one.patches, other.patches, atol=1e-5, rtol=1e-5)
            assert one.grid == other.grid


def test_a_model_without_a_class_token_gives_the_mean_of_its_patches(tmp_path: Path) -> None:
    folder = _saved(SiglipVisionModel(SiglipVisionConfig(**_FIELDS)), tmp_path)
    backbone = load_backbone(f"hf:{folder}")
    images = torch.randn(2, 3, 32, 32)
    [tokens] = backbone.tokens(images)
    with torch.no_grad():
        expected = AutoModel.from_pretrained(folder)(pixel_values=images).last_hidden_state
    torch.testing.assert_close(tokens.patches, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(tokens.cls, expected.mean(1), atol=1e-5, rtol=1e-5)
    assert backbone.source.layout == "hf"


def test_a_folder_in_half_precision_runs_in_float32(tmp_path: Path) -> None:
    model = SiglipVisionModel(SiglipVisionConfig(**_FIELDS)).half()
    model.save_pretrained(tmp_path)
    backbone = load_backbone(f"hf:{tmp_path}")
    images = torch.randn(1, 3, 32, 32)
    [tokens] = backbone.tokens(images)
    with torch.no_grad():
        expected = model.float()(pixel_values=images).last_hidden_state
    assert tokens.patches.dtype == torch.float32
    torch.testing.assert_close(tokens.patches, expected, atol=1e-5, rtol=1e-5)


def test_a_model_without_a_norm_by_a_known_name_says_so(tmp_path: Path) -> None:
    config = BeitConfig(**_FIELDS, use_mean_pooling=False, use_absolute_position_embeddings=True)
    folder = _saved(BeitModel(config), tmp_path)
    model = AutoModel.from_pretrained(folder)
    if not hasattr(model, "layernorm"):
        with pytest.raises(CheckpointError, match=r"features\.norm=false"):
            load_backbone(f"hf:{folder}")
    else:
        assert load_backbone(f"hf:{folder}").spec.embed_dim == 32


def test_missing_tensors_are_an_error_not_a_warning(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = _saved(Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**_FIELDS)), tmp_path)
    state = load_file(folder / "model.safetensors")
    del state["layernorm.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lacks tensors.*layernorm\.weight"):
        load_backbone(f"hf:{folder}")


def test_a_name_of_the_hub_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder; models are read from disk"):
        load_backbone("hf:facebook/dinov2-small")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_backbone(f"hf:{tmp_path}")


def test_without_transformers_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CheckpointError, match="transformers package"):
        load_backbone(f"hf:{tmp_path}")
