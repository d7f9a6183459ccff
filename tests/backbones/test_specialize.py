"""Shared to specialised: the same function at first, whatever the layout and the split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.backbones.saving import save_backbone
from benchmark.backbones.specialization import Specialization
from benchmark.backbones.specialize import max_difference, specialize
from benchmark.cli import main
from benchmark.configs import backbone_presets
from benchmark.errors import SpecialisationError

if TYPE_CHECKING:
    from tests.backbones.conftest import LayoutCase

_ALL = (0, 1, 2)
_EVERYTHING = Specialization(norm1=_ALL, norm2=_ALL, qkv=_ALL, proj=_ALL, mlp=_ALL, final_norm=True)


def test_every_layout_keeps_its_function(layout_case: LayoutCase) -> None:
    vit: Any = load_backbone(layout_case.path, **layout_case.options)
    split = _EVERYTHING
    if vit.spec.split.final_norm is False and vit.spec.layer_scale:
        split = split.union(Specialization(ls1=_ALL, ls2=_ALL))
    specialized = specialize(vit, split).requires_grad_(False)
    assert max_difference(vit, specialized) == 0
    images = torch.randn(2, 3, *(side * layout_case.patch_size for side in (6, 9)))
    for ours, theirs in zip(vit.tokens(images, layers=_ALL), specialized.tokens(images, layers=_ALL), strict=True):
        assert torch.equal(ours.patches, theirs.patches)
        assert torch.equal(ours.cls, theirs.cls)


@pytest.mark.parametrize("preset", [name for name in backbone_presets()["specializations"] if "all" not in name])
def test_every_preset_keeps_the_function(
    make_vit: Callable, tmp_path: Path, capsys: pytest.CaptureFixture, preset: str
) -> None:
    save_backbone(make_vit(depth=4, num_registers=2, attention_bias=True), tmp_path / "shared.pth")
    target = tmp_path / "special.safetensors"
    assert main(["specialize", str(tmp_path / "shared.pth"), str(target), "--preset", preset]) == 0
    shared, special = load_backbone(tmp_path / "shared.pth"), load_backbone(target)
    assert max_difference(shared, special) == 0
    assert special.spec.specialization.startswith(preset.split("+", maxsplit=1)[0])
    assert "largest difference" in capsys.readouterr().out


@pytest.mark.parametrize("trained", ["cls", "patch"])
def test_one_half_alone_can_be_trained(make_vit: Callable, trained: str) -> None:
    """Equal halves share a product where nothing trains; here the other half is frozen."""
    specialized = specialize(make_vit(), Specialization(mlp=(0,)))
    layer = specialized.blocks[0].mlp.requires_grad_(False)
    getattr(layer, trained).requires_grad_(True)
    specialized.tokens(torch.randn(2, 3, 28, 28))[0].cls.square().sum().backward()
    assert getattr(layer, trained).fc1.weight.grad.abs().sum() > 0


def test_the_halves_then_train_apart(make_vit: Callable) -> None:
    vit = make_vit()
    specialized = specialize(vit, _EVERYTHING).requires_grad_(True)
    specialized.train()
    specialized.tokens(torch.randn(2, 3, 28, 28))[0].cls.square().sum().backward()
    layer = specialized.blocks[2].mlp
    assert layer.cls.fc1.weight.grad.abs().sum() > 0
    assert layer.patch.fc1.weight.grad.abs().sum() == 0  # the last MLP of [CLS] sees no patch
    assert layer.cls.fc1.weight is not layer.patch.fc1.weight


def test_a_second_split_keeps_what_the_first_one_learned(make_vit: Callable) -> None:
    vit = make_vit(split=Specialization(norm1=_ALL))
    specialized = specialize(vit, Specialization(qkv=(0,)))
    assert specialized.spec.specialization == "norm1+qkv[0]"
    assert torch.equal(specialized.blocks[1].norm1.cls.weight, vit.blocks[1].norm1.cls.weight)
    assert max_difference(vit, specialized) == 0


def test_low_rank_additions_depend_on_the_seed_only(make_vit: Callable) -> None:
    split = Specialization(qkv_lora=(0,), lora_rank=3)
    one, same, other = (specialize(make_vit(), split, seed=seed).blocks[0].attn.qkv.lora_a for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_what_cannot_be_split_is_refused(make_vit: Callable) -> None:
    with pytest.raises(SpecialisationError, match="without LayerScale"):
        specialize(make_vit(layer_scale=False), Specialization(ls1=(0,)))
    with pytest.raises(SpecialisationError, match="at once"):
        specialize(make_vit(split=Specialization(qkv=(0,))), Specialization(qkv_lora=(0,), lora_rank=2))
    split = make_vit(split=Specialization(norm1=(0,)), num_registers=2)
    with pytest.raises(SpecialisationError, match="registers follow patch"):
        specialize(split, Specialization(norm2=(0,)), registers_follow="cls")


def test_the_command_prints_the_overhead(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--layers", "norm1,norm2,ls1,ls2", "--qkv-blocks", "1", "--registers", "cls"]
    assert main(["specialize", str(checkpoint), str(tmp_path / "out.pth"), *words]) == 0
    width, depth = 192, 2
    added = 6 * width * depth + 3 * width**2 + 3 * width
    shared = sum(parameter.numel() for parameter in load_backbone(checkpoint).parameters())
    text = capsys.readouterr().out
    assert "specialisation norms+qkv[0]" in text
    assert f"{shared:,} + {added:,} = {shared + added:,} (+{100 * added / shared:.2f} %" in text
    assert f"largest difference to {checkpoint}: 0 " in text
    assert load_backbone(tmp_path / "out.pth").spec.registers_follow == "cls"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "say what to split"),
        (["--layers", "norm3"], "no layer 'norm3'.*did you mean 'norm"),
        (["--qkv-blocks", "7"], "names no blocks"),
        (["--qkv-blocks", "0-5"], "not within blocks 0-1"),
        (["--preset", "norm+qkv"], "did you mean 'norms\\+qkv'"),
        (["--preset", "all-24"], "does not fit a model of 2 blocks"),
        (["--lora-rank", "4"], "needs --qkv-blocks"),
        (["--preset", "norms+qkv", "--qkv-blocks", "1", "--lora-rank", "4"], "do not go together: qkv of blocks"),
        (["--preset", "norms", "backbone.heads=3"], "no protocol field 'backbone.heads'"),
    ],
)
def test_wrong_words_write_nothing(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], match: str
) -> None:
    import re

    assert main(["specialize", str(checkpoint), str(tmp_path / "out.pth"), *words]) == 2
    assert re.search(match, capsys.readouterr().err)
    assert not (tmp_path / "out.pth").exists()


def test_an_existing_target_is_not_overwritten(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = checkpoint.read_bytes()
    assert main(["specialize", str(checkpoint), str(checkpoint), "--preset", "norms"]) == 2
    assert "exists" in capsys.readouterr().err
    assert checkpoint.read_bytes() == before
