"""Round trips: what is written is read back the same, spec and all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.backbones.saving import save_backbone
from benchmark.backbones.spec import PositionInterpolation, Preprocessing
from benchmark.backbones.specialization import Specialization
from benchmark.errors import CheckpointFileError, ShapeMismatchError, StructureError

_ROTARY = {"position_interpolation": None, "grid_size": None, "rope_dtype": "bfloat16"}
_VARIANTS = {
    "plain": {},
    "everything else": {
        "num_registers": 2,
        "attention_bias": True,
        "registers_follow": "cls",
        "norm_eps": 1e-3,
        "position_interpolation": PositionInterpolation(0.0, antialias=True),
        "preprocessing": Preprocessing((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
        "split": Specialization(norm1=(0, 1, 2), ls2=(1,), qkv=(0,), mlp=(2,), final_norm=True),
    },
    "rotary, low rank": {**_ROTARY, "split": Specialization(qkv_lora=(0, 2), lora_rank=5)},
    "no square of positions": {"grid_size": (3, 5)},
    "no LayerScale, no bias, SwiGLU": {"layer_scale": False, "qkv_bias": False, "ffn": "swiglu"},
}


@pytest.mark.parametrize("name", ["vit.pth", "vit.safetensors"])
@pytest.mark.parametrize("changes", _VARIANTS.values(), ids=_VARIANTS)
def test_what_is_written_is_read_back_the_same(make_vit: Callable, tmp_path: Path, name: str, changes: dict) -> None:
    vit = make_vit(**changes)
    save_backbone(vit, tmp_path / "folder" / name)
    backbone = load_backbone(tmp_path / "folder" / name)
    assert backbone.spec == vit.spec.__class__(**{**_fields(vit.spec), "arch": backbone.spec.arch})
    assert backbone.source.layout == "densebench"
    state = backbone.state_dict()
    assert state.keys() == vit.state_dict().keys()
    assert all(torch.equal(state[key], tensor) for key, tensor in vit.state_dict().items())
    images = torch.randn(1, 3, 42, 56, generator=torch.Generator().manual_seed(0))
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)


def _fields(spec: object) -> dict:
    from dataclasses import fields

    return {field.name: getattr(spec, field.name) for field in fields(spec) if field.init}


def test_what_is_given_by_name_comes_before_the_file(make_vit: Callable, tmp_path: Path) -> None:
    save_backbone(make_vit(), tmp_path / "vit.pth")
    spec = load_backbone(tmp_path / "vit.pth", num_heads=2, norm_eps=1e-2, mean=(0.5, 0.5, 0.5)).spec
    assert (spec.num_heads, spec.norm_eps, spec.preprocessing.mean) == (2, 1e-2, (0.5, 0.5, 0.5))


def test_another_patch_size_than_asked_for_is_refused_with_the_likely_cause(make_vit: Callable, tmp_path: Path) -> None:
    save_backbone(make_vit(patch_size=16), tmp_path / "vit.pth")
    with pytest.raises(ShapeMismatchError, match=r"patches of 16 pixels.*patch size 14 was asked for.*DINOv3"):
        load_backbone(tmp_path / "vit.pth", patch_size=14)


def test_other_endings_are_refused_and_nothing_is_written(make_vit: Callable, tmp_path: Path) -> None:
    with pytest.raises(CheckpointFileError, match=r"\.pth, \.pt or \.safetensors"):
        save_backbone(make_vit(), tmp_path / "vit.ckpt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["vit.pth", "vit.safetensors"])
def test_a_place_that_cannot_be_written_is_one_line(make_vit: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CheckpointFileError, match=f"cannot write .*{name}: "):
        save_backbone(make_vit(), tmp_path / "file" / name)


def test_a_spec_that_lacks_something_is_refused(make_vit: Callable, tmp_path: Path) -> None:
    state = make_vit().state_dict()
    del state._metadata[""]["vit_spec"]["norm_eps"]
    torch.save(state, tmp_path / "vit.pth")
    with pytest.raises(StructureError, match="norm_eps"):
        load_backbone(tmp_path / "vit.pth")
