"""What was assumed is named, with its value; what was stated is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import DINOv3ViTConfig, DINOv3ViTModel

from benchmark.backbones import load_backbone, save_backbone
from benchmark.backbones.assumed import assumption_line, assumptions
from benchmark.backbones.spec import SPEC_KEY
from benchmark.backbones.specialization import Specialization
from benchmark.backbones.specialize import specialize
from benchmark.errors import CheckpointError

_DINOV2 = {
    "num_heads": "3",
    "norm_eps": "1e-06",
    "image_size": "[56,56]",
    "interpolate_offset": "0.1",
    "interpolate_antialias": "false",
    "mean": "[0.485,0.456,0.406]",
    "std": "[0.229,0.224,0.225]",
}


def test_everything_that_cannot_be_inferred_is_assumed(checkpoint: Path) -> None:
    backbone = load_backbone(checkpoint)
    assert assumptions(backbone) == _DINOV2
    line = assumption_line(backbone)
    assert line.startswith(f"{checkpoint}: not stated and assumed: num_heads=3, norm_eps=1e-06")
    assert "mean=[0.485,0.456,0.406]" in line


@pytest.mark.parametrize(
    "given", [{"num_heads": 3}, {"norm_eps": 1e-6}, {"interpolate_offset": 0.1}, {"mean": (0.5, 0.5, 0.5)}]
)
def test_what_is_given_is_not_assumed(checkpoint: Path, given: dict[str, Any]) -> None:
    [name] = given
    assert assumptions(load_backbone(checkpoint, **given)).keys() == _DINOV2.keys() - {name}


def test_what_is_written_as_it_is_shown_can_be_given(checkpoint: Path) -> None:
    from benchmark.protocols.read_settings import parse_backbone_options

    shown = [f"backbone.{name}={value}" for name, value in assumptions(load_backbone(checkpoint)).items()]
    given = {name: value for name, value in vars(parse_backbone_options(shown)).items() if value is not None}
    backbone = load_backbone(checkpoint, **given)
    assert backbone.source.assumed == ()
    assert backbone.spec == load_backbone(checkpoint).spec
    assert assumption_line(backbone) is None


def test_heads_that_tensors_tell_are_not_assumed(make_vit: Callable, tmp_path: Path) -> None:
    vit = make_vit(attention_bias=True, num_registers=2, split=Specialization(norm1=(0,)))
    torch.save(dict(vit.state_dict()), tmp_path / "vit.pth")
    assumed = load_backbone(tmp_path / "vit.pth").source.assumed
    assert "num_heads" not in assumed
    assert "registers_follow" in assumed  # split, with registers: they could go either way


def test_a_file_of_ours_tells_everything(make_vit: Callable, tmp_path: Path) -> None:
    save_backbone(make_vit(), tmp_path / "vit.pth")
    assert load_backbone(tmp_path / "vit.pth").source.assumed == ()


@pytest.mark.parametrize("name", ["special.pth", "special.safetensors"])
def test_what_was_assumed_stays_so_in_a_file_made_from_it(checkpoint: Path, tmp_path: Path, name: str) -> None:
    """A specialised copy does not turn a guess into a fact."""
    vit = load_backbone(checkpoint, norm_eps=1e-5)
    save_backbone(specialize(vit, Specialization(norm1=(0,))), tmp_path / name)
    again = load_backbone(tmp_path / name)
    assert again.source.assumed == vit.source.assumed
    assert "norm_eps" not in again.source.assumed
    assert "num_heads" not in load_backbone(tmp_path / name, num_heads=3).source.assumed


@pytest.mark.parametrize("changes", [{}, {"layer_scale": False}, {"num_registers": 2}])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_ours_that_lost_its_spec_says_so(
    make_vit: Callable, tmp_path: Path, suffix: str, changes: dict[str, Any]
) -> None:
    path, state = tmp_path / f"vit{suffix}", make_vit(**changes).state_dict()
    assert SPEC_KEY in state._metadata[""]
    if suffix == ".pth":
        torch.save(dict(state), path)
    else:
        save_file(dict(state), path)
    backbone = load_backbone(path, num_heads=4)
    assert any("but not its spec" in note for note in backbone.source.notes)
    assert {"norm_eps", "interpolate_antialias", "mean"} <= {*backbone.source.assumed}


_WITHOUT_POSITIONS = {"position_interpolation": None, "grid_size": None, "rope_dtype": "float32"}


@pytest.mark.parametrize(
    ("spec", "option", "reason"),
    [
        ({}, {"rope_dtype": "bfloat16"}, "its positions are learned"),
        (_WITHOUT_POSITIONS, {"image_size": 56}, "its positions are rotary"),
        ({"num_registers": 2}, {"registers_follow": "cls"}, "it has no layers split by token kind"),
        ({"split": Specialization(norm1=(0,))}, {"registers_follow": "cls"}, "it has no registers"),
    ],
)
def test_an_option_that_changes_nothing_is_refused(
    make_vit: Callable, tmp_path: Path, spec: dict[str, Any], option: dict[str, Any], reason: str
) -> None:
    """It would change no token and make a row of its own."""
    path = tmp_path / "vit.pth"
    save_backbone(make_vit(**spec), path)
    [name] = option
    with pytest.raises(CheckpointError, match=f"^backbone.{name} means nothing to {path}: {reason}; leave it out"):
        load_backbone(path, **option)


def test_how_positions_are_resized_may_be_asked_of_rotary_ones_too(make_vit: Callable, tmp_path: Path) -> None:
    """A protocol asks it of every model: ``configs/segmentation/dvt-lin.py``."""
    save_backbone(make_vit(**_WITHOUT_POSITIONS), tmp_path / "vit.pth")
    vit = load_backbone(tmp_path / "vit.pth", interpolate_offset=0.0, interpolate_antialias=True)
    assert vit.spec.position_interpolation is None


@pytest.mark.parametrize(
    ("spec", "option"),
    [
        (_WITHOUT_POSITIONS, {"rope_dtype": "bfloat16"}),
        ({}, {"image_size": 56}),
        ({"num_registers": 2, "split": Specialization(norm1=(0,))}, {"registers_follow": "cls"}),
    ],
)
def test_the_same_options_are_taken_where_they_change_something(
    make_vit: Callable, tmp_path: Path, spec: dict[str, Any], option: dict[str, Any]
) -> None:
    save_backbone(make_vit(**spec), tmp_path / "vit.pth")
    assert load_backbone(tmp_path / "vit.pth", **option)


def test_a_folder_of_transformers_tells_how_it_rotates(tmp_path: Path) -> None:
    """Its code makes angles in float32 whatever the weights are; weights alone may be of any code."""
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 2}
    DINOv3ViTModel(DINOv3ViTConfig(**sizes)).save_pretrained(tmp_path)
    assert load_backbone(tmp_path).source.assumed == ("mean", "std")
    (tmp_path / "config.json").unlink()
    assert "rope_dtype" in load_backbone(tmp_path, num_heads=2).source.assumed


def test_a_released_file_is_not_taken_for_ours(checkpoint: Path) -> None:
    assert not any("but not its spec" in note for note in load_backbone(checkpoint).source.notes)
