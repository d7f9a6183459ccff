"""Every layout against transformers: the same weights must give the same tokens, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import formats, load_backbone
from benchmark.backbones.contents import Contents
from benchmark.backbones.facts import read_facts
from benchmark.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, Preprocessing, ViTSpec
from benchmark.backbones.structure import infer_spec
from benchmark.errors import StructureError

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
    contents, beside = unwrap(read_checkpoint(layout_case.path))
    dropped = dict(backbone.source.dropped)
    assert dropped.keys() <= contents.state.keys() | dict(beside).keys()
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
    preprocessing = _spec(Contents(state, config, preprocessor)).preprocessing
    assert (preprocessing.mean, preprocessing.std) == (mean, std)


def _spec(contents: Contents) -> ViTSpec:
    canonical = formats.detect(contents).to_canonical(contents)
    facts = read_facts(contents.config, contents.preprocessor, contents.arguments, contents.spec)
    return infer_spec(canonical.state, canonical.defaults, BackboneOptions(), facts)


@pytest.mark.parametrize(
    ("norm", "positions", "eps"), [("layernorm_before", True, 1e-12), ("norm1", True, 1e-6), ("norm1", False, 1e-5)]
)
def test_the_epsilon_without_a_config_is_the_familys(norm: str, positions: bool, eps: float) -> None:
    contents = Contents(_huggingface_names(128, positions=positions, norm=norm))
    assert formats.huggingface.to_canonical(contents).defaults.norm_eps == eps


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
        ("timm", _plain_names(4096, **{"blocks.0.gamma_1": (4096,)}), 32),
        ("timm", _plain_names(1280, **_GAMMA), 20),
    ],
)
def test_models_whose_heads_are_not_64_wide_are_known_by_their_width(
    layout: str, state: dict[str, torch.Tensor], heads: int
) -> None:
    """ViT-H of MAE, DeiT-III and google has 16 heads of 80, DINOv3's 7B 32 of 128; no tensor tells."""
    contents = Contents(state)
    found = formats.detect(contents)
    canonical = found.to_canonical(contents)
    assert (found.NAME, infer_spec(canonical.state, canonical.defaults, BackboneOptions()).num_heads) == (layout, heads)


def test_imagenet_statistics_are_those_of_the_field() -> None:  # trap 26
    assert (IMAGENET_MEAN, IMAGENET_STD) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_a_config_of_another_depth_is_refused() -> None:
    state = _huggingface_names(128, positions=True, norm="norm1")
    with pytest.raises(StructureError, match="says 2 blocks, the checkpoint has 1"):
        _spec(Contents(state, {"model_type": "dinov2", "num_hidden_layers": 2}))


@pytest.mark.parametrize("config", [{"rope_theta": 50.0}, {"rope_parameters": {"rope_theta": 50.0}}])
def test_the_base_of_rotary_periods_may_stand_in_either_place(config: dict[str, Any]) -> None:
    contents = Contents(_huggingface_names(128, positions=False, norm="norm1"), {"model_type": "dinov3_vit", **config})
    assert formats.huggingface.to_canonical(contents).defaults.rope_base == 50.0


def test_plain_names_without_a_config_are_said_to_tell_no_rule() -> None:
    names = _plain_names(128, pos_embed=(1, 5, 128))
    [note] = formats.timm.to_canonical(Contents(names)).notes
    assert note.startswith("plain ViT names tell no rule")
    assert formats.timm.to_canonical(Contents(names, {"architecture": "vit_x"})).notes == ()


@pytest.mark.parametrize("norm", ["norm1", "layernorm_before"])
def test_a_model_made_for_registers_may_have_none(norm: str) -> None:
    state = _huggingface_names(128, positions=norm != "norm1", norm=norm)
    state["embeddings.register_tokens"] = torch.empty(1, 0, 128)
    canonical = formats.huggingface.to_canonical(Contents(state))
    assert canonical.dropped == (("embeddings.register_tokens", "holds no token"),)


@pytest.mark.parametrize(("untied", "follow"), [(True, "cls"), (False, "patch")])
def test_the_untied_norm_of_dinov3_serves_its_storage_tokens_too(untied: bool, follow: str) -> None:
    norms = {f"{name}.weight": (128,) for name in (("norm", "cls_norm") if untied else ("norm",))}
    contents = Contents(_plain_names(128, storage_tokens=(1, 4, 128), **norms))
    canonical = formats.detect(contents).to_canonical(contents)
    assert canonical.defaults.registers_follow == follow
    assert ("norm.cls.weight" in canonical.state) == untied


def test_a_folder_of_timm_tells_its_name_and_its_statistics() -> None:
    """A DINOv2 of timm has DINOv2's names; its ``config.json`` has an ``architecture``."""
    names = _plain_names(128, pos_embed=(1, 5, 128), **{"blocks.0.ls1.gamma": (128,)})
    told = {"architecture": "vit_small_patch14_dinov2", "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.2] * 3}}
    contents = Contents(names, told)
    assert formats.detect(contents).NAME == "timm"
    assert _spec(contents).preprocessing == Preprocessing((0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    assert formats.timm.to_canonical(contents).notes == ()
    assert formats.detect(Contents(names)).NAME == "dinov2"
