"""Every layout against transformers: the same weights must give the same tokens, whatever they are called."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import layouts, load_backbone
from benchmark.backbones.infer_spec import infer_spec
from benchmark.backbones.metadata import read_metadata
from benchmark.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, Preprocessing, ViTSpec
from benchmark.backbones.state_dict import CheckpointWeights
from benchmark.errors import StructureError, UnsupportedArchitectureError

if TYPE_CHECKING:
    from tests.backbones.conftest import LayoutCase

_TOLERANCE = 1e-5
# In patches: the training size, a larger square, no square, and no square of the training size's token count.
_GRIDS = {"training size": (4, 4), "larger": (6, 6), "not square": (5, 7), "same count": (2, 8)}


@pytest.mark.parametrize("grid", _GRIDS.values(), ids=_GRIDS)
def test_tokens_of_every_layer_equal_the_reference(layout_case: LayoutCase, grid: tuple[int, int]) -> None:
    backbone: Any = load_backbone(layout_case.path, **layout_case.options)
    sides = (layout_case.patch_size * side for side in grid)
    images = torch.randn(2, 3, *sides, generator=torch.Generator().manual_seed(1))
    expected = layout_case.reference_layers(images)
    assert backbone.spec.depth == len(expected) == 3
    for norm in (True, False):
        found = backbone.tokens(images, layers=range(3), norm=norm)
        for tokens, plain in zip(found, expected, strict=True):
            sequence = layout_case.reference_norm(plain) if norm else plain
            ours = torch.cat((tokens.cls[:, None], tokens.registers, tokens.patches), dim=1)
            assert tokens.registers.shape[1] == layout_case.registers
            assert tokens.grid == grid
            torch.testing.assert_close(ours, sequence, atol=_TOLERANCE, rtol=_TOLERANCE)


def test_the_layout_is_recognised_and_every_key_accounted_for(layout_case: LayoutCase) -> None:
    from benchmark.backbones.weight_files import read_checkpoint
    from benchmark.backbones.wrappers import unwrap

    backbone: Any = load_backbone(layout_case.path, **layout_case.options)
    assert backbone.source.layout == layout_case.layout
    weights, beside = unwrap(read_checkpoint(layout_case.path))
    dropped = dict(backbone.source.dropped)
    assert dropped.keys() <= weights.state.keys() | dict(beside).keys()
    assert all(dropped.values())


def test_the_architecture_is_read_from_the_file(layout_case: LayoutCase) -> None:
    spec: Any = load_backbone(layout_case.path, **layout_case.options).spec
    assert spec.embed_dim == 128
    assert spec.patch_size == layout_case.patch_size
    assert spec.num_registers == layout_case.registers
    assert spec.num_heads == layout_case.reference.config.num_attention_heads
    assert spec.norm_eps == layout_case.reference.config.layer_norm_eps
    assert spec.specialization == "none"


@pytest.mark.parametrize(
    ("config", "preprocessor", "mean", "std"),
    [
        ({"model_type": "vit"}, {}, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ({"model_type": "vit_mae"}, {}, IMAGENET_MEAN, IMAGENET_STD),
        ({"model_type": "vit"}, {"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3]}, (0.1, 0.2, 0.3), (1, 2, 3)),
        ({"model_type": "vit"}, {"do_normalize": False, "image_mean": [0.5] * 3}, (0, 0, 0), (1, 1, 1)),
    ],
)
def test_mean_and_std_are_the_folders_or_the_familys(
    config: dict[str, Any], preprocessor: dict[str, Any], mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    state = _huggingface_names(128, positions=True, norm="layernorm_before")
    preprocessing = _spec(CheckpointWeights(state, config, preprocessor)).preprocessing
    assert (preprocessing.mean, preprocessing.std) == (mean, std)


def _spec(weights: CheckpointWeights) -> ViTSpec:
    canonical = layouts.detect(weights).to_canonical(weights)
    metadata = read_metadata(weights.config, weights.preprocessor, weights.arguments, weights.spec)
    return infer_spec(canonical.state, canonical.defaults, BackboneOptions(), metadata)


@pytest.mark.parametrize(
    ("norm", "positions", "eps"), [("layernorm_before", True, 1e-12), ("norm1", True, 1e-6), ("norm1", False, 1e-5)]
)
def test_the_epsilon_without_a_config_is_the_familys(norm: str, positions: bool, eps: float) -> None:
    weights = CheckpointWeights(_huggingface_names(128, positions=positions, norm=norm))
    assert layouts.huggingface.to_canonical(weights).defaults.norm_eps == eps


def _huggingface_names(width: int, *, positions: bool, norm: str) -> dict[str, torch.Tensor]:
    """One block without numbers: shapes are all that is read."""
    shapes = {
        "embeddings.cls_token": (1, 1, width),
        "embeddings.patch_embeddings.projection.weight": (width, 3, 14, 14),
        f"encoder.layer.0.{norm}.weight": (width,),
        "encoder.layer.0.mlp.fc2.weight": (width, 8),
        **({"embeddings.position_embeddings": (1, 5, width)} if positions else {}),
    }
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def _plain_names(width: int, **others: tuple[int, ...]) -> dict[str, torch.Tensor]:
    shapes = {
        "cls_token": (1, 1, width),
        "patch_embed.proj.weight": (width, 3, 14, 14),
        "blocks.0.attn.qkv.weight": (3 * width, width),
        "blocks.0.mlp.fc1.weight": (8, width),
        "blocks.0.mlp.fc2.weight": (width, 8),
        **others,
    }
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


_DECODER, _GAMMA = {"decoder_pos_embed": (1, 5, 8)}, {"blocks.0.gamma_1": (1280,)}


@pytest.mark.parametrize(
    ("layout", "state", "heads"),
    [
        ("huggingface", _huggingface_names(1280, positions=True, norm="layernorm_before"), 16),
        ("huggingface", _huggingface_names(4096, positions=False, norm="norm1"), 32),
        ("huggingface", _huggingface_names(1280, positions=False, norm="norm1"), 20),
        ("huggingface", _huggingface_names(1536, positions=True, norm="norm1"), 24),
        ("mae", _plain_names(1280, pos_embed=(1, 5, 1280), **_DECODER), 16),
        ("deit3", _plain_names(1280, pos_embed=(1, 4, 1280), **_GAMMA), 16),
        ("timm", _plain_names(1280, pos_embed=(1, 5, 1280)), 16),
        ("timm", _plain_names(1408, pos_embed=(1, 5, 1408)), 16),
        ("timm", _plain_names(1664, pos_embed=(1, 5, 1664)), 16),
        ("timm", _plain_names(1152, pos_embed=(1, 4, 1152), reg_token=(1, 1, 1152)), 16),
        ("timm", _plain_names(1024, pos_embed=(1, 5, 1024)), 16),
        ("timm", _plain_names(4096, reg_token=(1, 4, 4096), **{"blocks.0.gamma_1": (4096,)}), 32),
        ("timm", _plain_names(1280, reg_token=(1, 4, 1280), **_GAMMA), 20),
    ],
)
def test_models_whose_heads_are_not_64_wide_are_known_by_their_width(
    layout: str, state: dict[str, torch.Tensor], heads: int
) -> None:
    """ViT-H of MAE, DeiT-III and google has 16 heads of 80, DINOv3's 7B 32 of 128; no tensor tells.

    timm's ViT-g has 16 of 88, its ViT-G 16 of 104 and its so400m 16 of 72 (``models/vision_transformer.py``).
    """
    weights = CheckpointWeights(state)
    found = layouts.detect(weights)
    canonical = found.to_canonical(weights)
    assert (found.NAME, infer_spec(canonical.state, canonical.defaults, BackboneOptions()).num_heads) == (layout, heads)


def test_imagenet_statistics_are_those_of_the_field() -> None:  # trap 26
    assert (IMAGENET_MEAN, IMAGENET_STD) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_a_config_of_another_depth_is_refused() -> None:
    state = _huggingface_names(128, positions=True, norm="norm1")
    with pytest.raises(StructureError, match="says 2 blocks, the checkpoint has 1"):
        _spec(CheckpointWeights(state, {"model_type": "dinov2", "num_hidden_layers": 2}))


@pytest.mark.parametrize("config", [{"rope_theta": 50.0}, {"rope_parameters": {"rope_theta": 50.0}}])
def test_the_base_of_rotary_periods_may_stand_in_either_place(config: dict[str, Any]) -> None:
    weights = CheckpointWeights(
        _huggingface_names(128, positions=False, norm="norm1"), {"model_type": "dinov3_vit", **config}
    )
    assert layouts.huggingface.to_canonical(weights).defaults.rope_base == 50.0


def test_plain_names_without_a_config_are_said_to_imply_no_rule() -> None:
    names = _plain_names(128, pos_embed=(1, 5, 128))
    [note] = layouts.timm.to_canonical(CheckpointWeights(names)).notes
    assert note.startswith("plain ViT names imply no rule")
    assert layouts.timm.to_canonical(CheckpointWeights(names, {"architecture": "vit_x"})).notes == ()


@pytest.mark.parametrize("norm", ["norm1", "layernorm_before"])
def test_a_model_made_for_registers_may_have_none(norm: str) -> None:
    state = _huggingface_names(128, positions=norm != "norm1", norm=norm)
    state["embeddings.register_tokens"] = torch.empty(1, 0, 128)
    canonical = layouts.huggingface.to_canonical(CheckpointWeights(state))
    assert canonical.dropped == (("embeddings.register_tokens", "holds no token"),)


@pytest.mark.parametrize(("untied", "follow"), [(True, "cls"), (False, "patch")])
def test_the_untied_norm_of_dinov3_serves_its_storage_tokens_too(untied: bool, follow: str) -> None:
    norms = {f"{name}.weight": (128,) for name in (("norm", "cls_norm") if untied else ("norm",))}
    weights = CheckpointWeights(_plain_names(128, storage_tokens=(1, 4, 128), **norms))
    canonical = layouts.detect(weights).to_canonical(weights)
    assert canonical.defaults.registers_follow == follow
    assert ("norm.cls.weight" in canonical.state) == untied


def test_a_folder_of_timm_tells_its_name_and_its_statistics() -> None:
    """A DINOv2 of timm has DINOv2's names; its ``config.json`` has an ``architecture``."""
    names = _plain_names(128, pos_embed=(1, 5, 128), **{"blocks.0.ls1.gamma": (128,)})
    told = {"architecture": "vit_small_patch14_dinov2", "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.2] * 3}}
    weights = CheckpointWeights(names, told)
    assert layouts.detect(weights).NAME == "timm"
    assert _spec(weights).preprocessing == Preprocessing((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    assert layouts.timm.to_canonical(weights).notes == ()
    assert layouts.detect(CheckpointWeights(names)).NAME == "dinov2"


def _timm_names(
    *parts: str, width: int = 64, positions: int | None = None, registers: int = 0, gated: bool = False
) -> dict[str, torch.Tensor]:
    """One block with all tensors that timm 1.0.31 has; ``parts`` are LayerScale and biases as it calls them."""
    shapes: dict[str, tuple[int, ...]] = {
        **({"pos_embed": (1, positions, width)} if positions else {}),
        **({"reg_token": (1, registers, width)} if registers else {}),
        **{f"blocks.0.{part}": (3 * width if part == "attn.qkv.bias" else width,) for part in parts},
        "blocks.0.mlp.fc1.weight": (256 if gated else 128, width),
        "blocks.0.mlp.fc2.weight": (width, 128),
    }
    return _plain_names(width, **shapes)


_BIAS, _EVA_BIASES = ("attn.qkv.bias",), ("attn.q_bias", "attn.v_bias")
_GAMMAS, _SCALES = ("gamma_1", "gamma_2"), ("ls1.gamma", "ls2.gamma")
# timm's model, its tensors, and the layout that a bare file is read as; None is refused.
_OF_TIMM: list[tuple[str, dict[str, torch.Tensor], str | None]] = [
    ("vit_small_patch14_224", _timm_names(*_BIAS, positions=17), "timm"),
    ("vit_giant_patch14_224", _timm_names(*_BIAS, width=1408, positions=17), "timm"),
    ("vit_so400m_patch14_reg1_tipsv2", _timm_names(*_BIAS, *_SCALES, width=1152, positions=16, registers=1), "timm"),
    ("vit_small_patch14_dinov2", _timm_names(*_BIAS, *_SCALES, positions=17), "dinov2"),
    ("vit_giant_patch14_dinov2", _timm_names(*_BIAS, *_SCALES, positions=17, gated=True), "timm"),
    ("vit_small_patch14_reg4_dinov2", _timm_names(*_BIAS, *_SCALES, positions=16, registers=4), "timm"),
    ("deit3_small_patch14_224", _timm_names(*_BIAS, *_SCALES, positions=16), "timm"),
    ("flexivit_small", _timm_names(*_BIAS, positions=16), None),  # 4 x 4, or 1 + 3 x 5
    ("vit_small_patch14_dinov3", _timm_names(*_GAMMAS, registers=4), "timm"),
    ("vit_small_patch14_dinov3_qkvb", _timm_names(*_GAMMAS, *_EVA_BIASES, registers=4), "timm"),
    ("vit_giant_patch14_lingbot", _timm_names(*_GAMMAS, registers=4, gated=True), "timm"),
    ("vit_small_patch14_rope_224", _timm_names(*_GAMMAS, *_BIAS), None),
    ("vit_small_patch14_rope_ape_224", _timm_names(*_GAMMAS, *_BIAS, positions=16), "deit3"),
    ("vit_medium_patch14_rope_reg1_gap_256", _timm_names(*_GAMMAS, *_BIAS, registers=1), None),
    ("eva02_tiny_patch14_224", _timm_names(*_EVA_BIASES, positions=17, gated=True), None),
    ("eva02_enormous_patch14_clip_224", _timm_names(*_EVA_BIASES, positions=17), None),
    ("eva_giant_patch14_224", _timm_names(*_EVA_BIASES, width=1408, positions=17), None),
    ("beit_base_patch14_224", _timm_names(*_GAMMAS, *_EVA_BIASES), None),
]


@pytest.mark.parametrize(("name", "state", "layout"), _OF_TIMM, ids=[name for name, *_ in _OF_TIMM])
def test_a_bare_file_of_timm_is_read_for_what_it_is_or_refused(
    name: str, state: dict[str, torch.Tensor], layout: str | None
) -> None:
    weights = CheckpointWeights(state)
    if layout is None:
        with pytest.raises(
            (UnsupportedArchitectureError, StructureError), match=r"timm:NAME@FILE|pos_embed has 16 rows"
        ):
            _spec(weights)
        return
    found = layouts.detect(weights)
    assert layout == found.NAME
    assert _spec(weights).num_heads == (16 if state["cls_token"].shape[2] > 1000 else 1)
    told = any("vit_*_rope_ape_*" in note for note in found.to_canonical(weights).notes)
    assert told == (layout == "deit3")  # RoPE-ViT with learned positions has DeiT-III's tensors


@pytest.mark.parametrize(("name", "state"), [case[:2] for case in _OF_TIMM], ids=[name for name, *_ in _OF_TIMM])
def test_a_folder_of_timm_is_read_by_the_name_that_it_tells(name: str, state: dict[str, torch.Tensor]) -> None:
    weights = CheckpointWeights(
        state, {"architecture": name, "pretrained_cfg": {"input_size": [3, 56, 56]}}, grid=(4, 4)
    )
    if re.search("rope|eva02|beit", name):
        with pytest.raises(UnsupportedArchitectureError, match=f"those of '{name}'.*timm:{name}@FILE"):
            _spec(weights)
    else:
        assert layouts.detect(weights).NAME == "timm"
        assert _spec(weights).num_heads == (16 if state["cls_token"].shape[2] > 1000 else 1)


@pytest.mark.parametrize(
    ("name", "state", "wrapper"),
    [
        ("vit_small_patch16_rope_ape_224", _timm_names(*_GAMMAS, *_BIAS, positions=16), "state_dict"),
        ("rope_axial_ape_deit_small_patch16_LS", _timm_names(*_GAMMAS, *_BIAS, positions=16), "model"),
        ("vit_small_patch16_rope_reg4_224", _timm_names(*_GAMMAS, registers=4), "state_dict"),
        ("eva02_small_patch14_224", _timm_names(*_BIAS, positions=17), "state_dict"),
    ],
)
def test_a_training_file_whose_arguments_name_a_model_that_is_not_read_is_refused(
    name: str, state: dict[str, torch.Tensor], wrapper: str
) -> None:
    """Training scripts of timm and of RoPE-ViT keep the name in ``args.model``."""
    weights = CheckpointWeights(state, arguments={"model": name}, wrapper=wrapper)
    with pytest.raises(UnsupportedArchitectureError, match=f"those of '{name}'"):
        _spec(weights)
    assert _spec(replace(weights, arguments={"model": "deit_small_patch16_LS"}))


def test_a_bias_of_queries_without_one_of_values_is_refused() -> None:
    weights = CheckpointWeights(_timm_names(*_GAMMAS, "attn.q_bias", registers=4))
    with pytest.raises(StructureError, match=r"no 'blocks\.0\.attn\.v_bias' of its shape"):
        layouts.timm.to_canonical(weights)


@pytest.mark.parametrize(
    "arguments",
    [
        {"rope_temperature": 50.0},
        {"rope_type": "mixed"},
        {"use_rot_pos_emb": True},
        {"use_post_norm": True},
        {"act_layer": "quick_gelu"},
        {"norm_layer": "rmsnorm"},
        {"block_fn": "parallel"},
    ],
)
def test_arguments_of_a_model_that_change_its_function_and_no_tensor_are_refused(arguments: dict[str, Any]) -> None:
    [name] = arguments
    names = _timm_names(*_BIAS, positions=17)
    usual = {"img_size": 56, "num_classes": 0, "init_values": None, "act_layer": "gelu", "drop_path_rate": 0.1}
    assert _spec(CheckpointWeights(names, {"architecture": "vit_x", "model_args": usual}))
    with pytest.raises(UnsupportedArchitectureError, match=f"builds 'vit_x' with {name}="):
        _spec(CheckpointWeights(names, {"architecture": "vit_x", "model_args": {**usual, **arguments}}))


def test_how_timm_rotates_is_told_by_the_name_of_its_dinov3() -> None:
    told = {"architecture": "vit_small_patch14_dinov3"}
    names = _timm_names(*_GAMMAS, registers=4)
    known = [layouts.timm.to_canonical(CheckpointWeights(names, config)).defaults.known for config in (told, {})]
    assert ["rope_dtype" in each for each in known] == [True, False]


_NAMES_OF_DINOV2 = {"mask_token": (1, 64), "register_tokens": (1, 2, 64)}


@pytest.mark.parametrize("name", _NAMES_OF_DINOV2)
def test_a_grid_of_dinov2_that_is_no_square_is_not_taken_for_one_without_cls(name: str) -> None:
    """1 + 3 x 5 positions are 4 x 4, and DINOv2's code always has one for [CLS]."""
    names = _plain_names(64, pos_embed=(1, 16, 64), **{"blocks.0.ls1.gamma": (64,), name: _NAMES_OF_DINOV2[name]})
    assert layouts.detect(CheckpointWeights(names)).NAME == "dinov2"
    with pytest.raises(StructureError, match=r"not square, give backbone\.image_size"):
        _spec(CheckpointWeights(names))
    assert _spec(CheckpointWeights(names, arguments={"img_size": [42, 70]})).grid == (3, 5)


@pytest.mark.parametrize("wrapper", [None, "model"])
def test_a_model_without_cls_is_told_that_before_its_grid_is_asked_for(wrapper: str | None) -> None:
    """As SigLIP has none: a size would not help."""
    names = {key: tensor for key, tensor in _timm_names(*_BIAS, positions=16).items() if key != "cls_token"}
    weights = CheckpointWeights(names, wrapper=wrapper)
    canonical = layouts.detect(weights).to_canonical(weights)
    assert "cls_token" not in canonical.state


def test_a_grid_of_mae_that_is_no_square_is_not_taken_for_deits() -> None:
    weights = CheckpointWeights(_plain_names(64, pos_embed=(1, 16, 64), decoder_pos_embed=(1, 16, 8)), wrapper="model")
    assert layouts.detect(weights).NAME == "mae"
    with pytest.raises(StructureError, match=r"not square, give backbone\.image_size"):
        _spec(weights)
