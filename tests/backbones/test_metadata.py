"""What stands beside the weights is read, by one rule for every way in, and must agree with them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    CLIPImageProcessor,
    Dinov2Config,
    Dinov2Model,
    PreTrainedModel,
    SiglipImageProcessor,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)

from benchmark.backbones import VisionTransformer, load_backbone, save_backbone
from benchmark.backbones.metadata import read_metadata, stated_statistics
from benchmark.backbones.pos_embed import interpolate_pos_embed
from benchmark.backbones.spec import PositionInterpolation
from benchmark.errors import StructureError, UnsupportedArchitectureError

_FIELDS = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8}
_HALF = (0.5, 0.5, 0.5)


def _filled(model: PreTrainedModel) -> Any:
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model.eval()


def _vit(image_size: Any) -> ViTModel:
    return _filled(ViTModel(ViTConfig(**_FIELDS, intermediate_size=96, image_size=image_size)))


@pytest.mark.parametrize("way", ["{}", "hf:{}", "{}/model.safetensors"])
def test_a_grid_that_is_no_square_is_read_as_transformers_reads_it(tmp_path: Path, way: str) -> None:
    """Positions of 4 x 16 are as many as those of 8 x 8."""
    model = _vit([32, 128])
    model.save_pretrained(tmp_path)
    backbone = load_backbone(way.format(tmp_path))
    images = torch.randn(2, 3, 32, 128, generator=torch.Generator().manual_seed(1))
    [tokens] = backbone.tokens(images)
    with torch.no_grad():
        expected = model(images).last_hidden_state
    assert tokens.grid == (4, 16)
    torch.testing.assert_close(tokens.patches, expected[:, 1:], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(tokens.cls, expected[:, 0], atol=1e-5, rtol=1e-5)


def test_positions_of_a_grid_that_is_no_square_are_resized_along_each_side() -> None:
    table = torch.randn(1, 1 + 4 * 16, 3, generator=torch.Generator().manual_seed(0))
    rule = PositionInterpolation(0.0, antialias=True)
    found = interpolate_pos_embed(table, (6, 5), rule, stored=(4, 16))
    picture = table[0, 1:].T.reshape(1, 3, 4, 16)
    expected = F.interpolate(picture, size=(6, 5), mode="bicubic", antialias=True)
    torch.testing.assert_close(found[0, 1:], expected.flatten(2)[0].T)
    assert interpolate_pos_embed(table, (4, 16), rule, stored=(4, 16)) is table
    assert not torch.equal(interpolate_pos_embed(table, (8, 8), rule, stored=(4, 16)), table)


def test_a_family_whose_code_knows_squares_only_is_read_as_its_code_does(tmp_path: Path) -> None:
    model = _filled(Dinov2Model(Dinov2Config(**_FIELDS, mlp_ratio=2, image_size=[32, 128])))
    model.save_pretrained(tmp_path)
    images = torch.randn(1, 3, 32, 128, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(images).last_hidden_state
    for name in (str(tmp_path), f"hf:{tmp_path}"):
        torch.testing.assert_close(load_backbone(name).tokens(images)[0].patches, expected[:, 1:], atol=1e-5, rtol=1e-5)
    assert "read as a square" in load_backbone(tmp_path).source.notes[0]
    assert load_backbone(tmp_path, image_size=(32, 128)).spec.grid_size == (4, 16)


@pytest.mark.parametrize("name", ["vit.pth", "vit.safetensors"])
def test_our_own_files_keep_a_grid_that_is_no_square(make_vit: Callable, tmp_path: Path, name: str) -> None:
    vit = make_vit(grid_size=(2, 8))
    save_backbone(vit, tmp_path / name)
    backbone = load_backbone(tmp_path / name)
    assert (backbone.spec.grid_size, backbone.spec.grid) == ((2, 8), (2, 8))
    images = torch.randn(1, 3, 42, 28)
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)


def test_a_square_grid_is_one_number_however_it_is_given(make_vit: Callable) -> None:
    assert make_vit(grid_size=(4, 4)).spec == make_vit(grid_size=4).spec
    assert make_vit(grid_size=4).spec.grid_size == 4
    assert make_vit(grid_size=4).spec.grid == (4, 4)


_SAYS = {
    "args": lambda sizes: {"args": argparse.Namespace(**sizes)},
    "hyper_parameters": lambda sizes: {"hyper_parameters": sizes},
}


@pytest.mark.parametrize("where", _SAYS)
@pytest.mark.parametrize(
    "sizes",
    [
        {"input_size": [3, 28, 112]},
        {"img_size": [28, 112]},
        {"img_size": None, "image_size": (28, 112)},
        {"input_size": "large", "img_size": (28, 112), "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]},
    ],
)
def test_the_arguments_in_a_training_file_tell_the_grid_and_the_statistics(
    make_vit: Callable, tmp_path: Path, where: str, sizes: dict[str, Any]
) -> None:
    vit = make_vit(grid_size=(2, 8))
    torch.save({"model": dict(vit.state_dict()), **_SAYS[where](sizes)}, tmp_path / "vit.pth")
    backbone = load_backbone(tmp_path / "vit.pth", num_heads=4)
    assert backbone.spec.grid_size == (2, 8)
    assert backbone.spec.preprocessing.mean == tuple(sizes.get("mean", (0.485, 0.456, 0.406)))
    assert ("mean" in backbone.source.assumed) == ("mean" not in sizes)
    assert "image_size" not in backbone.source.assumed


_CALLED = {
    "heads": ("num_heads", "num_attention_heads"),
    "eps": ("norm_eps", "layer_norm_eps"),
    "width": ("embed_dim", "hidden_size"),
    "depth": ("depth", "num_hidden_layers"),
    "registers": ("num_register_tokens", "reg_tokens", "num_reg_tokens", "num_registers", "n_storage_tokens"),
    "patch": ("patch_size",),
}


def _training_file(vit: VisionTransformer, folder: Path, **arguments: Any) -> Path:
    torch.save({"state_dict": dict(vit.state_dict()), "hyper_parameters": arguments}, folder / "last.ckpt")
    return folder / "last.ckpt"


@pytest.mark.parametrize("heads", _CALLED["heads"])
@pytest.mark.parametrize("eps", _CALLED["eps"])
def test_the_arguments_in_a_training_file_tell_heads_and_epsilon(
    make_vit: Callable, tmp_path: Path, heads: str, eps: str
) -> None:
    """Without them, 48 channels have no known number of heads, and norms would have another epsilon."""
    vit = make_vit(norm_eps=1e-3, grid_size=4)
    path = _training_file(vit, tmp_path, **{heads: 4, eps: 1e-3, "embed_dim": 48, "depth": 3, "img_size": 56})
    backbone = load_backbone(path)
    assert {"num_heads", "norm_eps", "image_size"}.isdisjoint(backbone.source.assumed)
    images = torch.randn(1, 3, 56, 56)
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)
    assert load_backbone(path, num_heads=2, norm_eps=1e-6).spec.norm_eps == 1e-6  # a user comes first


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("width", 384, "384 channels, the checkpoint has 48"),
        ("depth", 12, "12 blocks, the checkpoint has 3"),
        ("registers", 4, "4 registers, the checkpoint has 0"),
        ("patch", 16, "16 pixels a patch, the checkpoint has 14"),
    ],
)
def test_arguments_that_contradict_the_tensors_are_refused(
    make_vit: Callable, tmp_path: Path, kind: str, value: int, words: str
) -> None:
    for name in _CALLED[kind]:
        path = _training_file(make_vit(), tmp_path, num_heads=4, **{name: value})
        match = f"^the record of training arguments in the file says {words}; if it is of .*save the state dict alone"
        with pytest.raises(StructureError, match=match):
            load_backbone(path)


@pytest.mark.parametrize("value", [None, True, -3, 0, 4.5, "four", [4, 8], {"a": 1}])
def test_arguments_that_are_not_formed_like_the_fact_are_no_facts(
    make_vit: Callable, tmp_path: Path, value: Any
) -> None:
    arguments = {name: value for names in _CALLED.values() for name in names if names != _CALLED["patch"]}
    backbone = load_backbone(_training_file(make_vit(embed_dim=64), tmp_path, **arguments))
    assert {"num_heads", "norm_eps"} <= {*backbone.source.assumed}


def test_arguments_may_stand_in_several_entries(make_vit: Callable, tmp_path: Path) -> None:
    entries = {"args": argparse.Namespace(num_heads=4), "hyper_parameters": {"num_heads": 2, "norm_eps": 1e-3}}
    torch.save({"model": dict(make_vit().state_dict()), **entries}, tmp_path / "vit.pth")
    spec = load_backbone(tmp_path / "vit.pth").spec
    assert (spec.num_heads, spec.norm_eps) == (4, 1e-3)


def test_an_epsilon_that_yaml_has_left_a_string_is_read(make_vit: Callable, tmp_path: Path) -> None:
    """YAML 1.1 takes ``1e-3`` for text."""
    path = _training_file(make_vit(), tmp_path, num_heads=4, norm_eps="1e-3")
    assert load_backbone(path).spec.norm_eps == 1e-3


def test_a_config_and_arguments_tell_each_what_the_other_does_not(make_vit: Callable, tmp_path: Path) -> None:
    path = _training_file(make_vit(norm_eps=1e-3), tmp_path, num_heads=2, norm_eps=1e-3, depth=3)
    path = path.rename(tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 4, "hidden_size": 48}))
    spec = load_backbone(path).spec
    assert (spec.num_heads, spec.norm_eps) == (4, 1e-3)  # a config comes first
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 4, "depth": 4}))
    with pytest.raises(
        StructureError, match=r"says depth 4, the record of training arguments in the file 3; .*, or if"
    ):
        load_backbone(path)


def test_statistics_for_images_of_another_scale_are_no_facts(make_vit: Callable, tmp_path: Path) -> None:
    arguments = {"mean": [123.7, 116.3, 103.5], "std": 0.5}
    torch.save({"model": dict(make_vit().state_dict()), "args": arguments}, tmp_path / "vit.pth")
    backbone = load_backbone(tmp_path / "vit.pth", num_heads=4)
    assert backbone.spec.preprocessing.mean == (0.485, 0.456, 0.406)
    assert {"mean", "std"} <= {*backbone.source.assumed}


@pytest.mark.parametrize("positions", ["with a row for [CLS]", "without one"])
@pytest.mark.parametrize("grid", [(3, 5), (2, 8), (4, 6)])
def test_a_told_grid_says_whether_positions_have_a_row_for_cls(
    make_vit: Callable, tmp_path: Path, positions: str, grid: tuple[int, int]
) -> None:
    """1 + 3 x 5 rows are a square, 2 x 8 are one, and 4 x 6 are none: the count alone misleads."""
    vit: VisionTransformer = make_vit(grid_size=grid)
    state: dict[str, Tensor] = dict(vit.state_dict())
    if positions == "without one":
        vit.pos_embed[:, 0] = 0
        state["pos_embed"] = state["pos_embed"][:, 1:]
    told = {"architecture": "vit_x", "model_args": {"img_size": [14 * side for side in grid]}}
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(told))
    backbone = load_backbone(tmp_path, num_heads=4)
    images = torch.randn(1, 3, *told["model_args"]["img_size"])
    assert backbone.spec.grid == grid
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)


@pytest.mark.parametrize("wrapper", [None, "model"])
@pytest.mark.parametrize("grid", [(4, 6), (1, 3), (14, 16)])
def test_a_plain_vit_whose_positions_have_two_readings_is_asked_for_its_grid(
    make_vit: Callable, tmp_path: Path, grid: tuple[int, int], wrapper: str | None
) -> None:
    """Those of [CLS] and of n x (n + 2) patches are a square number, as those of a square without [CLS]."""
    vit = make_vit(grid_size=grid, layer_scale=False)
    state = dict(vit.state_dict())
    torch.save({wrapper: state} if wrapper else state, tmp_path / "vit.pth")
    with pytest.raises(StructureError, match=r"none of \[CLS\], or of \[CLS\] and .*Give the size"):
        load_backbone(tmp_path / "vit.pth", num_heads=4)
    size = (14 * grid[0], 14 * grid[1])
    backbone = load_backbone(tmp_path / "vit.pth", num_heads=4, image_size=size)
    images = torch.randn(1, 3, *size)
    assert torch.equal(backbone.tokens(images)[0].patches, vit.tokens(images)[0].patches)


def test_a_grid_that_is_not_stated_can_be_passed(make_vit: Callable, tmp_path: Path) -> None:
    vit = make_vit(grid_size=(3, 4))
    torch.save(dict(vit.state_dict()), tmp_path / "vit.pth")
    with pytest.raises(StructureError, match=r"not square, give backbone\.image_size=\[HEIGHT,WIDTH\]"):
        load_backbone(tmp_path / "vit.pth", num_heads=4)
    backbone = load_backbone(tmp_path / "vit.pth", num_heads=4, image_size=(42, 56))
    assert backbone.spec.grid_size == (3, 4)
    with pytest.raises(StructureError, match=r"backbone\.image_size means images of 56 x 56 .* the checkpoint has 12"):
        load_backbone(tmp_path / "vit.pth", num_heads=4, image_size=(56, 56))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"image_size": [32, 96]}, r"config beside the weights means images of 32 x 96 pixels.*checkpoint has 64"),
        ({"image_size": 224}, r"means images of 224 x 224 pixels, so 28 x 28 positions; the checkpoint has 64"),
        ({"patch_size": 16, "image_size": 128}, r"says 16 pixels a patch, the checkpoint has 8"),
        ({"hidden_size": 128}, r"says 128 channels, the checkpoint has 64"),
        ({"num_hidden_layers": 3}, r"says 3 blocks, the checkpoint has 2"),
        ({"num_register_tokens": 4}, r"says 4 registers, the checkpoint has 0"),
        ({"image_size": "large"}, r"cannot be read: a size must be a side.*'large'"),
        ({"num_attention_heads": [2]}, r"cannot be read"),
        ({"layer_norm_eps": None, "num_attention_heads": 3}, r"3 attention heads do not divide the width 64"),
        ({"layer_norm_eps": -1e-6}, r"the epsilon of norms must be positive"),
    ],
)
def test_a_config_that_contradicts_the_tensors_is_refused(tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    _vit(64).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(StructureError, match=match):
        load_backbone(tmp_path)


def test_the_user_may_overrule_a_config(tmp_path: Path) -> None:
    _vit(64).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "image_size": 224}))
    assert load_backbone(tmp_path, image_size=64).spec.grid_size == 8


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"grid_size": 5}, r"spec inside the checkpoint means images of 70 x 70 pixels, so 5 x 5"),
        ({"grid_size": "4"}, r"spec inside the checkpoint cannot be read: a size must be"),
        ({"embed_dim": 64}, "says 64 channels, the checkpoint has 48"),
        ({"num_registers": 1}, "says 1 registers, the checkpoint has 0"),
        ({"specialization": "norms"}, "says specialization norms, the checkpoint has none"),
        ({"ffn": "swiglu"}, "says ffn swiglu, the checkpoint has mlp"),
        ({"attention_bias": True}, "says attention_bias True, the checkpoint has False"),
    ],
)
def test_a_spec_that_contradicts_the_tensors_is_refused(
    make_vit: Callable, tmp_path: Path, change: dict[str, Any], match: str
) -> None:
    state = make_vit().state_dict()
    state._metadata[""]["vit_spec"].update(change)
    torch.save(state, tmp_path / "vit.pth")
    with pytest.raises(StructureError, match=match):
        load_backbone(tmp_path / "vit.pth")


# --- normalisation ----------------------------------------------------------------------------------------------------

_PROCESSORS = {"clip": CLIPImageProcessor, "siglip": SiglipImageProcessor, "vit": ViTImageProcessor}


@pytest.mark.parametrize("scale", [1 / 255, 1 / 127.5, 1.0])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("family", _PROCESSORS)
def test_statistics_give_the_values_that_the_processor_of_transformers_gives(
    tmp_path: Path, family: str, normalize: bool, scale: float
) -> None:
    processor = _PROCESSORS[family](do_resize=False, do_center_crop=False, rescale_factor=scale, do_normalize=normalize)
    processor.save_pretrained(tmp_path)
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = processor(image, return_tensors="pt", input_data_format="channels_first")["pixel_values"][0]
    told = json.loads((tmp_path / "preprocessor_config.json").read_text())
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in stated_statistics({}, told))
    torch.testing.assert_close((image / 255 - mean) / std, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("told", "mean", "std"),
    [
        ({}, None, None),
        ({"image_mean": 0.5, "image_std": 0.25}, _HALF, (0.25,) * 3),
        ({"image_mean": list(_HALF)}, _HALF, None),
        ({"do_rescale": False, "image_mean": list(_HALF), "image_std": list(_HALF)}, _HALF, _HALF),
        ({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [51.0] * 3}, _HALF, (0.2,) * 3),
    ],
)
def test_statistics_are_for_values_up_to_one(told: dict[str, Any], mean: Any, std: Any) -> None:
    assert stated_statistics({}, told) == (mean, pytest.approx(std) if std else None)


def _configs(folder: Path, **files: dict[str, Any]) -> None:
    for name, contents in files.items():
        (folder / f"{name}.json").write_text(json.dumps(contents))


_OWN = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
_NESTED = {"processor_class": "CLIPProcessor", "image_processor": {"image_mean": [0.7] * 3, "image_std": [0.8] * 3}}


@pytest.mark.parametrize("way", ["{}", "hf:{}", "{}/model.safetensors"])
@pytest.mark.parametrize(
    ("files", "mean"),
    [
        ({"preprocessor_config": _OWN}, (0.1, 0.2, 0.3)),
        ({"processor_config": _NESTED}, (0.7,) * 3),
        ({"processor_config": _NESTED, "preprocessor_config": _OWN}, (0.7,) * 3),
        ({"processor_config": {"processor_class": "CLIPProcessor"}, "preprocessor_config": _OWN}, (0.1, 0.2, 0.3)),
        ({}, None),
    ],
)
def test_every_way_in_reads_the_same_statistics(
    tmp_path: Path, way: str, files: dict[str, Any], mean: tuple[float, ...] | None
) -> None:
    _vit(64).save_pretrained(tmp_path)
    _configs(tmp_path, **files)
    backbone = load_backbone(way.format(tmp_path))
    assert backbone.spec.preprocessing.mean == (mean or _HALF)  # google's ViTs were trained on [-1, 1]
    assert backbone.source.assumed == (() if mean else ("mean", "std"))


def test_a_weight_file_is_read_with_a_processor_beside_it_and_no_config(make_vit: Callable, tmp_path: Path) -> None:
    save_file(dict(make_vit().state_dict()), tmp_path / "model.safetensors")
    _configs(tmp_path, processor_config=_NESTED)
    assert load_backbone(tmp_path / "model.safetensors", num_heads=4).spec.preprocessing.mean == (0.7,) * 3


def test_a_config_of_another_family_is_refused_for_its_family() -> None:
    """Lists of heads are no reason to call a config damaged; ``load_vit`` says first what is not read here."""
    with pytest.raises(StructureError, match="cannot be read"):
        read_metadata({"num_attention_heads": [1, 2, 4, 8]}, {}, {}, None)


def test_a_folder_of_a_family_with_stages_is_named_not_called_damaged(tmp_path: Path) -> None:
    save_file({"encoder.stages.0.layers.0.weight": torch.ones(1)}, tmp_path / "model.safetensors")
    _configs(tmp_path, config={"model_type": "cvt", "num_heads": [1, 2, 4]})
    with pytest.raises(UnsupportedArchitectureError, match="hierarchical network"):
        load_backbone(tmp_path)
