"""Training files: the right backbone is found in them, and nothing else is taken for one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.backbones.spec import PositionInterpolation, Preprocessing
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


def _ssl_module(vit: Any, prefix: str, *, head: str = "dino_head") -> dict[str, torch.Tensor]:
    """A backbone with a head, as modules of self-distillation hold them."""
    return {**_prefixed(vit, f"{prefix}backbone."), f"{prefix}{head}.last_layer.weight": torch.ones(2, 48)}


def _several(first: Any, second: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Files of two backbones as training code writes them, and what each choice must give."""
    student, teacher = _ssl_module(first, "student."), _ssl_module(second, "teacher.")
    losses = {"dino_loss.center": torch.ones(1, 2), "ibot_patch_loss.center": torch.ones(1, 1, 2)}
    encoders = {
        **_prefixed(first, "module.base_encoder."),
        **_prefixed(second, "module.momentum_encoder."),
        **{f"module.{name}.head.0.weight": torch.ones(2, 48) for name in ("base_encoder", "momentum_encoder")},
        "module.predictor.0.weight": torch.ones(2, 2),
    }
    queue = {"queue": torch.ones(2, 8), "queue_ptr": torch.zeros(1, dtype=torch.long)}
    q_and_k = {**_prefixed(first, "encoder_q."), **_prefixed(second, "encoder_k."), **queue}
    lightning = {**_prefixed(first, "model.student.vit."), **_prefixed(second, "model.teacher.vit.")}
    lightning |= {"model.student.projection_head.0.weight": torch.ones(2), "criterion.center": torch.ones(1)}
    average = {**_prefixed(first, "net."), **_prefixed(second, "ema.module."), "ema.n_averaged": torch.tensor(3)}
    return {
        "DINOv2 in training": (
            {"model": {**student, **teacher, **losses}, "iteration": 7},
            {"student.backbone": first, "teacher.backbone": second},
        ),
        "MoCo v3": (
            {"state_dict": encoders, "epoch": 3},
            {"module.base_encoder": first, "module.momentum_encoder": second},
        ),
        "MoCo v1": ({"state_dict": q_and_k, "epoch": 3}, {"encoder_q": first, "encoder_k": second}),
        "Lightning": (
            {"state_dict": lightning, "pytorch-lightning_version": "2.5", "hyper_parameters": {"lr": 1e-3}},
            {"model.student.vit": first, "model.teacher.vit": second},
        ),
        "an average beside the model": (average, {"net": first, "ema.module": second}),
        "entries of other names": ({"net": dict(first.state_dict()), "net_ema": dict(second.state_dict())},
                                   {"net": first, "net_ema": second}),
        "entries of entries": (
            {"networks": {"student": dict(first.state_dict()), "teacher": dict(second.state_dict())}, "step": 3},
            {"networks.student": first, "networks.teacher": second},
        ),
    }  # fmt: skip


_KINDS = ("DINOv2 in training", "MoCo v3", "MoCo v1", "Lightning", "an average beside the model",
          "entries of other names", "entries of entries")  # fmt: skip


@pytest.mark.parametrize("kind", _KINDS)
def test_of_several_backbones_every_choice_that_is_offered_works(make_vit: Callable, save: Callable, kind: str) -> None:
    first, second = make_vit(seed=1), make_vit(seed=2)
    contents, expected = _several(first, second)[kind]
    path = save(contents)
    with pytest.raises(CheckpointError, match="holds several backbones; choose") as refused:
        load_backbone(path, num_heads=4)
    offered = re.findall(r"backbone\.weights=(\S+)", str(refused.value))
    assert offered == sorted(expected)
    for choice, vit in expected.items():
        backbone = load_backbone(path, num_heads=4, weights=choice)
        state = backbone.state_dict()
        assert all(torch.equal(state[key], tensor) for key, tensor in vit.state_dict().items())


def test_what_belongs_to_another_model_is_left_out_and_recorded(make_vit: Callable, save: Callable) -> None:
    contents, _ = _several(make_vit(seed=1), make_vit(seed=2))["DINOv2 in training"]
    dropped = dict(load_backbone(save(contents), num_heads=4, weights="teacher.backbone").source.dropped)
    others = ("student.backbone.norm.weight", "student.dino_head.last_layer.weight")
    assert {dropped[key] for key in others} == {"of another model: model.student.backbone"}
    assert dropped["teacher.dino_head.last_layer.weight"] == "head of pre-training"
    assert dropped["dino_loss.center"] == "head of pre-training"
    assert len(dropped) == len(make_vit().state_dict()) + 4


@pytest.mark.parametrize("asked", ["teacher", "teacher.", "model.teacher", "model.teacher.backbone", "module.teacher"])
def test_a_choice_may_be_the_beginning_of_one_name(make_vit: Callable, save: Callable, asked: str) -> None:
    contents, expected = _several(make_vit(seed=1), make_vit(seed=2))["DINOv2 in training"]
    backbone = load_backbone(save(contents), num_heads=4, weights=asked)
    assert torch.equal(backbone.cls_token, expected["teacher.backbone"].cls_token)


@pytest.mark.parametrize("asked", ["teacher", "teacher.backbone"])
def test_a_choice_works_in_a_bare_state_dict_too(make_vit: Callable, save: Callable, asked: str) -> None:
    teacher = make_vit(seed=2)
    path = save({**_ssl_module(make_vit(seed=1), "student."), **_ssl_module(teacher, "teacher.")})
    assert torch.equal(load_backbone(path, num_heads=4, weights=asked).cls_token, teacher.cls_token)


def test_a_choice_that_fits_several_lists_them(make_vit: Callable, save: Callable) -> None:
    contents, _ = _several(make_vit(seed=1), make_vit(seed=2))["DINOv2 in training"]
    path = save({**contents, "ema": contents["model"]})
    with pytest.raises(CheckpointError, match=r"weights=ema\.student\.backbone or \S+=ema\.teacher\.backbone"):
        load_backbone(path, num_heads=4, weights="ema")
    backbone = load_backbone(path, num_heads=4, weights="ema.student.backbone")
    assert torch.equal(backbone.cls_token, contents["model"]["student.backbone.cls_token"])


def test_only_choices_whose_neighbours_are_known_are_offered(make_vit: Callable, save: Callable) -> None:
    contents, _ = _several(make_vit(seed=1), make_vit(seed=2))["DINOv2 in training"]
    contents["model"]["student.adapter.weight"] = torch.ones(2)
    path = save(contents)
    with pytest.raises(CheckpointError, match=r"choose backbone\.weights=teacher\.backbone$"):
        load_backbone(path, num_heads=4)
    with pytest.raises(UnexpectedKeysError, match=r"keys beside student\.backbone\.\*: student\.adapter\.weight"):
        load_backbone(path, num_heads=4, weights="student.backbone")


def test_a_model_around_its_average_is_taken_and_the_average_can_be(make_vit: Callable, save: Callable) -> None:
    model, average = make_vit(seed=1), make_vit(seed=2)
    path = save({"model": {**model.state_dict(), **_prefixed(average, "ema."), "ema.head.weight": torch.ones(2)}})
    backbone = load_backbone(path, num_heads=4)
    assert torch.equal(backbone.cls_token, model.cls_token)
    assert any("left out 'model.ema'" in note for note in backbone.source.notes)
    chosen = load_backbone(path, num_heads=4, weights="ema")
    assert torch.equal(chosen.cls_token, average.cls_token)
    assert ("cls_token", "of another model: model") in chosen.source.dropped


def test_an_averaged_model_of_torch_is_read(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    averaged = torch.optim.swa_utils.AveragedModel(vit)
    backbone = load_backbone(save(dict(averaged.state_dict())), num_heads=4)
    assert torch.equal(backbone.cls_token, vit.cls_token)
    assert backbone.source.dropped == (("n_averaged", "counter of an averaged model"),)


@pytest.mark.parametrize(
    ("usual", "other"), [("model", "model_ema"), ("state_dict", "state_dict_ema"), ("teacher", "student")]
)
@pytest.mark.parametrize("layer_scale", [True, False])
def test_all_entries_of_a_training_file_are_read_by_one_rule(
    make_vit: Callable, save: Callable, usual: str, other: str, layer_scale: bool
) -> None:
    """MAE's and DeiT's files are told by their entry, and their averages have the same positions."""
    vits = {usual: make_vit(seed=1, layer_scale=layer_scale), other: make_vit(seed=2, layer_scale=layer_scale)}
    path = save({name: dict(vit.state_dict()) for name, vit in vits.items()} | {"epoch": 3})
    found = {name: load_backbone(path, num_heads=4, weights=name) for name in vits}
    assert found[usual].spec == found[other].spec == load_backbone(path, num_heads=4).spec
    assert found[usual].source.layout == found[other].source.layout
    for name, vit in vits.items():
        assert torch.equal(found[name].cls_token, vit.cls_token)


def test_a_mask_token_of_the_student_tells_of_the_teacher_too(make_vit: Callable, save: Callable) -> None:
    """As in files of iBOT: without LayerScale the mask token alone tells them from timm's."""
    vit = make_vit(layer_scale=False)
    masked = {**vit.state_dict(), "masked_embed": torch.zeros(1, 48)}
    path = save(
        {
            "teacher": _prefixed(vit, "backbone."),
            "student": {f"module.backbone.{key}": value for key, value in masked.items()},
        }
    )
    found = [load_backbone(path, num_heads=4, weights=name) for name in ("teacher", "student")]
    assert found[0].spec == found[1].spec
    assert found[0].spec.position_interpolation == PositionInterpolation(0.1, antialias=False)
    assert ("masked_embed", "used in pre-training only") in found[1].source.dropped


@pytest.mark.parametrize("entry", ["net", "module", "weights", "model_ema"])
def test_the_only_model_of_a_file_is_found_whatever_its_entry_is_called(
    make_vit: Callable, save: Callable, entry: str
) -> None:
    vit = make_vit()
    path = save({entry: dict(vit.state_dict()), "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "epoch": 3})
    assert torch.equal(load_backbone(path, num_heads=4).cls_token, vit.cls_token)


def test_a_name_that_is_not_there_is_refused_with_those_that_are(make_vit: Callable, save: Callable) -> None:
    path = save(_prefixed(make_vit(), "backbone."))
    with pytest.raises(
        CheckpointError, match=r"weights=encoder names no backbone .*choose backbone\.weights=backbone$"
    ):
        load_backbone(path, num_heads=4, weights="encoder")


def test_a_backbone_that_has_no_name_is_taken_without_one(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    path = save(dict(vit.state_dict()))
    with pytest.raises(CheckpointError, match=r"names no backbone of the file; leave backbone\.weights out$"):
        load_backbone(path, num_heads=4, weights="encoder")
    assert torch.equal(load_backbone(path, num_heads=4).cls_token, vit.cls_token)
    path = save({**vit.state_dict(), **_prefixed(make_vit(seed=2), "ema.")})
    with pytest.raises(CheckpointError, match=r"; choose backbone\.weights=ema, or leave backbone\.weights out$"):
        load_backbone(path, num_heads=4, weights="encoder")
    assert torch.equal(load_backbone(path, num_heads=4).cls_token, vit.cls_token)


def test_a_segmentor_gives_its_backbone_and_names_its_head(make_vit: Callable, save: Callable) -> None:
    vit = make_vit()
    path = save({"state_dict": {**_prefixed(vit, "backbone."), "decode_head.conv_seg.weight": torch.ones(2, 48)}})
    backbone = load_backbone(path, num_heads=4)
    assert torch.equal(backbone.cls_token, vit.cls_token)
    assert backbone.source.dropped == (("decode_head.conv_seg.weight", "head of a task"),)


def test_unknown_neighbours_of_a_backbone_are_errors(make_vit: Callable, save: Callable) -> None:
    path = save({**_prefixed(make_vit(), "backbone."), "adapter.weight": torch.ones(2)})
    with pytest.raises(UnexpectedKeysError, match=r"keys beside backbone\.\*: adapter\.weight"):
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


class _Training(torch.nn.Module):
    def __init__(self, vit: torch.nn.Module) -> None:
        super().__init__()
        self.backbone = vit
        self.head = torch.nn.Linear(48, 2)


_WRAPPED: dict[str, Callable[[Any], torch.nn.Module]] = {
    "a module of training": _Training,
    "compiled": torch.compile,
    "DataParallel": torch.nn.DataParallel,
    "compiled, DataParallel": lambda vit: torch.nn.DataParallel(torch.compile(vit)),
    "DataParallel, compiled": lambda vit: torch.compile(torch.nn.DataParallel(vit)),
    "a module of training, compiled within and parallel without": lambda vit: torch.nn.DataParallel(
        _Training(torch.compile(vit))
    ),
    "averaged": torch.optim.swa_utils.AveragedModel,
}


@pytest.mark.parametrize("wrap", _WRAPPED.values(), ids=_WRAPPED)
def test_the_spec_of_ours_survives_what_is_wrapped_around_a_model(
    make_vit: Callable, save: Callable, wrap: Callable[[Any], torch.nn.Module]
) -> None:
    rule, half = PositionInterpolation(0.0, antialias=False), Preprocessing((0.5,) * 3, (0.5,) * 3)
    vit = make_vit(norm_eps=1e-3, layer_scale=False, position_interpolation=rule, preprocessing=half)
    backbone = load_backbone(save({"model": wrap(vit).state_dict(), "epoch": 1}))
    assert (backbone.source.layout, backbone.source.assumed) == ("densebench", ())
    assert backbone.spec == replace(vit.spec, arch=backbone.spec.arch)
    images = torch.randn(1, 3, 42, 70, generator=torch.Generator().manual_seed(0))
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)
