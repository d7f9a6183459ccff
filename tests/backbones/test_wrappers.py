"""Training files: the right backbone is found in them, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.errors import CheckpointError, StructureError, UnexpectedKeysError


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    def _save(contents: Any) -> Path:
        torch.save(contents, tmp_path / "checkpoint.pth")
        return tmp_path / "checkpoint.pth"

    return _save


def _prefixed(vit: Any, prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{key}": tensor for key, tensor in vit.state_dict().items()}


def test_another_entry_is_taken_when_it_is_asked_for(make_vit: Callable, save: Callable) -> None:
    teacher, student = make_vit(seed=1), make_vit(seed=2)
    path = save({"teacher": _prefixed(teacher, "backbone."), "student": _prefixed(student, "backbone.")})
    assert torch.equal(load_backbone(path, num_heads=4).cls_token, teacher.cls_token)
    chosen = load_backbone(path, num_heads=4, weights="student")
    assert torch.equal(chosen.cls_token, student.cls_token)
    assert any("took 'student'" in note for note in chosen.source.notes)


@pytest.mark.parametrize("wrapper", ["teacher", "model", "state_dict", "model_state_dict"])
def test_every_usual_wrapper_is_opened_and_the_teacher_comes_first(
    make_vit: Callable, save: Callable, wrapper: str
) -> None:
    wanted, other = make_vit(seed=1), make_vit(seed=2)
    path = save({wrapper: dict(wanted.state_dict()), "epoch": 3})
    assert torch.equal(load_backbone(path, num_heads=4).cls_token, wanted.cls_token)
    path = save({wrapper: dict(other.state_dict()), "teacher": dict(wanted.state_dict())})
    assert torch.equal(load_backbone(path, num_heads=4).cls_token, wanted.cls_token)


def test_two_backbones_side_by_side_must_be_told_apart(make_vit: Callable, save: Callable) -> None:
    base, momentum = make_vit(seed=1), make_vit(seed=2)
    both = {**_prefixed(base, "module.base_encoder."), **_prefixed(momentum, "module.momentum_encoder.")}
    path = save({"state_dict": both})
    with pytest.raises(CheckpointError, match=r"several backbones: module\.base_encoder\., module\.momentum_encoder\."):
        load_backbone(path, num_heads=4)
    with pytest.raises(UnexpectedKeysError, match="momentum_encoder"):
        load_backbone(path, num_heads=4, weights="module.base_encoder")


def test_a_prefix_that_is_not_there_is_refused_with_those_that_are(make_vit: Callable, save: Callable) -> None:
    path = save(_prefixed(make_vit(), "backbone."))
    with pytest.raises(CheckpointError, match=r"backbone\.weights=encoder is neither.*prefixes: 'backbone\.'"):
        load_backbone(path, num_heads=4, weights="encoder")


def test_a_segmentor_gives_its_backbone_and_names_its_head(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    path = save({"state_dict": {**_prefixed(vit, "backbone."), "decode_head.conv_seg.weight": torch.ones(2, 48)}})
    backbone = load_backbone(path, num_heads=4)
    assert torch.equal(backbone.cls_token, vit.cls_token)
    assert backbone.source.dropped == (("decode_head.conv_seg.weight", "head of a task"),)


def test_unknown_neighbours_of_a_backbone_are_errors(make_vit: Callable, save: Callable) -> None:
    path = save({**_prefixed(make_vit(), "backbone."), "projector.weight": torch.ones(2)})
    with pytest.raises(UnexpectedKeysError, match=r"keys beside backbone\.\*: projector\.weight"):
        load_backbone(path, num_heads=4)


def test_names_of_fsdp_and_compile_are_cut_out_at_any_depth(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    state = {
        "_orig_mod." + key.replace("attn.", "_fsdp_wrapped_module.attn."): tensor
        for key, tensor in vit.state_dict().items()
    }
    backbone = load_backbone(save(state), num_heads=4)
    assert torch.equal(backbone.blocks[2].attn.qkv.weight, vit.blocks[2].attn.qkv.weight)
    assert any("FSDP" in note for note in backbone.source.notes)


def test_a_tensor_under_two_names_is_refused(make_vit: Callable, save: Callable) -> None:
    state = dict(make_vit().state_dict())
    state["_orig_mod.norm.weight"] = state["norm.weight"]
    with pytest.raises(StructureError, match=r"'norm\.weight' twice"):
        load_backbone(save(state), num_heads=4)


def test_the_spec_is_found_under_a_wrapper_and_a_prefix(make_vit: Callable, save: Callable) -> None:
    class Training(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = make_vit(norm_eps=1e-3)
            self.head = torch.nn.Linear(48, 2)

    backbone = load_backbone(save({"model": Training().state_dict(), "epoch": 1}))
    assert backbone.source.layout == "densebench"
    assert (backbone.spec.norm_eps, backbone.spec.num_heads) == (1e-3, 4)
