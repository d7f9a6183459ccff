"""Named sizes and specialisations, and the paper's arithmetic."""

from __future__ import annotations

import pytest
import torch

from benchmark.backbones.cost import added_params, count_params, overhead_percent
from benchmark.backbones.presets import build_vit, specialization_preset
from benchmark.backbones.spec import PositionInterpolation
from benchmark.configs import backbone_presets
from benchmark.errors import UsageError

# arXiv 2602.08626, component ablation of ViT-L: printed percentages.
_PRINTED = {
    "norms": 0.05,
    "norms+proj": 3,
    "norms+qkv": 8,
    "norms+qkv+proj": 11,
    "norms+mlp": 22,
    "norms+proj+mlp": 25,
    "norms+qkv+mlp": 30,
    "norms+qkv+proj+mlp": 33,
}
_VIT_L = 304_368_640  # published, with its mask token


@pytest.mark.parametrize(("preset", "percent"), _PRINTED.items())
def test_overheads_of_vit_l_are_those_of_the_paper(preset: str, percent: float) -> None:
    with torch.device("meta"):
        vit = build_vit("L", specialization=preset, image_size=518)
    digits = 2 if percent < 1 else 0
    assert round(overhead_percent(vit), digits) == percent


@pytest.mark.parametrize(("size", "split", "added"), [("S", 4, 1_801_728), ("B", 4, 7_142_400), ("L", 8, 25_337_856)])
def test_the_best_split_adds_what_the_formula_says(size: str, split: int, added: int) -> None:
    with torch.device("meta"):
        vit = build_vit(size, specialization="norms+qkv")
    width, depth = vit.spec.embed_dim, vit.spec.depth
    assert vit.spec.split.qkv == tuple(range(split))
    assert added_params(vit.spec) == added == 6 * width * depth + split * (3 * width**2 + 3 * width)


def test_low_rank_adds_the_printed_share() -> None:
    with torch.device("meta"):
        assert round(overhead_percent(build_vit("L", specialization="norms+lora")), 1) == 1.4


def test_vit_l_has_the_published_parameters() -> None:
    with torch.device("meta"):
        assert count_params(build_vit("L", image_size=518)) == _VIT_L - 1024


@pytest.mark.parametrize("size", backbone_presets()["sizes"])
@pytest.mark.parametrize("preset", backbone_presets()["specializations"])
def test_every_preset_fits_every_size_or_says_why_not(size: str, preset: str) -> None:
    depth = backbone_presets()["sizes"][size]["depth"]
    _, _, first = preset.partition("all-")
    if first and int(first) > depth:
        with pytest.raises(UsageError, match=f"does not fit a model of {depth} blocks"):
            specialization_preset(preset, depth=depth)
    else:
        split = specialization_preset(preset, depth=depth)
        assert bool(split) == (preset not in ("none", "all-0"))


def test_a_model_without_layer_scale_splits_its_layer_norms_only() -> None:
    split = specialization_preset("norms", depth=2, layer_scale=False)
    assert (split.norm1, split.ls1) == ((0, 1), ())


def test_the_same_seed_builds_the_same_model() -> None:
    one, same, other = (build_vit("Ti", seed=seed).cls_token for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"size": "XL"}, "no size 'XL'"),
        ({"size": "S", "specialization": "norm"}, "did you mean 'norms'"),
        ({"size": "S", "image_size": 200}, "not whole patches of 14"),
    ],
)
def test_what_does_not_exist_is_refused(options: dict, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        build_vit(**options)


def test_a_model_made_by_name_interpolates_as_its_file_will_be_read() -> None:
    """DINOv2's rule without registers and with them (hub/backbones.py)."""
    plain, registers = (build_vit("Ti", image_size=28, num_registers=number).spec for number in (0, 4))
    assert plain.position_interpolation == PositionInterpolation(0.1, antialias=False)
    assert registers.position_interpolation == PositionInterpolation(0.0, antialias=True)
