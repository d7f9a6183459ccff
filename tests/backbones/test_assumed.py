"""What nobody told is named, with its value; what was told is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from benchmark.backbones import load_backbone, save_backbone
from benchmark.backbones.assumed import assumption_line, assumptions
from benchmark.backbones.spec import SPEC_KEY
from benchmark.backbones.specialization import Specialization
from benchmark.backbones.specialize import specialize

_DINOV2 = {
    "num_heads": "3",
    "norm_eps": "1e-06",
    "image_size": "[56,56]",
    "interpolate_offset": "0.1",
    "interpolate_antialias": "false",
    "mean": "[0.485,0.456,0.406]",
    "std": "[0.229,0.224,0.225]",
}


def test_everything_that_keys_do_not_tell_is_assumed(checkpoint: Path) -> None:
    backbone = load_backbone(checkpoint)
    assert assumptions(backbone) == _DINOV2
    line = assumption_line(backbone)
    assert line.startswith(f"{checkpoint} does not tell and is assumed to have num_heads=3, norm_eps=1e-06")
    assert "mean=[0.485,0.456,0.406]" in line


@pytest.mark.parametrize(
    "given", [{"num_heads": 3}, {"norm_eps": 1e-6}, {"interpolate_offset": 0.1}, {"mean": (0.5, 0.5, 0.5)}]
)
def test_what_is_given_is_not_assumed(checkpoint: Path, given: dict[str, Any]) -> None:
    [name] = given
    assert assumptions(load_backbone(checkpoint, **given)).keys() == _DINOV2.keys() - {name}


def test_what_is_written_as_it_is_shown_can_be_given(checkpoint: Path) -> None:
    from benchmark.protocols import parse_backbone_options

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
    assert any("without their spec" in note for note in backbone.source.notes)
    assert {"norm_eps", "interpolate_antialias", "mean"} <= {*backbone.source.assumed}


def test_a_released_file_is_not_taken_for_ours(checkpoint: Path) -> None:
    assert not any("without their spec" in note for note in load_backbone(checkpoint).source.notes)
