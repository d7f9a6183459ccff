"""The ViT against the independent implementation in transformers, with weights carried over by name."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel

from benchmark.backbones import VisionTransformer
from benchmark.backbones.spec import PositionInterpolation
from benchmark.errors import InputSizeError

_TOLERANCE = 1e-5
_TRAINING_SIDE = 4 * 14

_DINOV2 = {"position_interpolation": PositionInterpolation(0.0, antialias=False)}
_REGISTERS = {"num_registers": 4, "position_interpolation": PositionInterpolation(0.0, antialias=True)}
_SWIGLU = {"ffn": "swiglu", "ffn_dim": 128, **_DINOV2}


_JOINT = {
    "attn.qkv": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    "mlp.w12": ("mlp.gate_proj", "mlp.up_proj"),
}


def _reference(vit: VisionTransformer) -> torch.nn.Module:
    """The transformers model with the same weights, translated by name."""
    spec = vit.spec
    fields = {
        "hidden_size": spec.embed_dim,
        "num_hidden_layers": spec.depth,
        "num_attention_heads": spec.num_heads,
        # transformers keeps two thirds of a SwiGLU's nominal width
        "mlp_ratio": int(spec.ffn_dim * (1.5 if spec.ffn == "swiglu" else 1)) // spec.embed_dim,
        "image_size": _TRAINING_SIDE,
        "patch_size": spec.patch_size,
        "layer_norm_eps": spec.norm_eps,
        "use_swiglu_ffn": spec.ffn == "swiglu",
        "attn_implementation": "eager",
    }
    if spec.num_registers:
        model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(num_register_tokens=spec.num_registers, **fields))
    else:
        model = Dinov2Model(Dinov2Config(**fields))
    state = {"embeddings.mask_token": torch.zeros(1, spec.embed_dim)}
    for key, tensor in vit.state_dict().items():
        joint = next((name for name in _JOINT if f".{name}." in key), None)
        parts = _JOINT[joint] if joint else (None,)
        for part, name in zip(tensor.chunk(len(parts)), parts, strict=True):
            state[_translated(key.replace(joint, name) if joint else key)] = part
    model.load_state_dict(state, strict=True)
    return model.eval()


def _translated(key: str) -> str:
    for pattern, replacement in (
        (r"^cls_token", "embeddings.cls_token"),
        (r"^pos_embed", "embeddings.position_embeddings"),
        (r"^register_tokens", "embeddings.register_tokens"),
        (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"),
        (r"^norm\.", "layernorm."),
        (r"^blocks\.", "encoder.layer."),
        (r"attn\.proj", "attention.o_proj"),
        (r"ls(\d)\.gamma", r"layer_scale\1.lambda1"),
        (r"mlp\.w3", "mlp.down_proj"),
    ):
        key = re.sub(pattern, replacement, key)
    return key


@pytest.mark.parametrize("side", [(56, 56), (84, 84), (70, 98)], ids=["training size", "larger", "not square"])
@pytest.mark.parametrize("changes", [_DINOV2, _REGISTERS, _SWIGLU], ids=["mlp", "registers", "swiglu"])
def test_tokens_equal_transformers(make_vit: Callable, changes: dict, side: tuple[int, int]) -> None:
    vit = make_vit(**changes)
    images = torch.randn(2, 3, *side, generator=torch.Generator().manual_seed(1))
    [ours] = vit.tokens(images)
    with torch.no_grad():
        theirs = _reference(vit)(images).last_hidden_state
    registers = vit.spec.num_registers
    torch.testing.assert_close(ours.cls, theirs[:, 0], atol=_TOLERANCE, rtol=0)
    torch.testing.assert_close(ours.registers, theirs[:, 1 : 1 + registers], atol=_TOLERANCE, rtol=0)
    torch.testing.assert_close(ours.patches, theirs[:, 1 + registers :], atol=_TOLERANCE, rtol=0)


@pytest.mark.parametrize("norm", [True, False])
def test_intermediate_layers_equal_transformers(make_vit: Callable, norm: bool) -> None:
    vit = make_vit(**_REGISTERS)
    reference = _reference(vit)
    images = torch.randn(1, 3, 56, 70, generator=torch.Generator().manual_seed(1))
    ours = vit.tokens(images, layers=(0, -2), norm=norm)
    with torch.no_grad():
        hidden = reference(images, output_hidden_states=True).hidden_states[1:]
        expected = [reference.layernorm(layer) if norm else layer for layer in (hidden[0], hidden[1])]
    for tokens, theirs in zip(ours, expected, strict=True):
        torch.testing.assert_close(tokens.patches, theirs[:, 5:], atol=_TOLERANCE, rtol=0)
        torch.testing.assert_close(tokens.cls, theirs[:, 0], atol=_TOLERANCE, rtol=0)


def test_layers_come_in_the_order_asked_for(make_vit: Callable) -> None:
    vit = make_vit()
    images = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    last, first = vit.tokens(images, layers=(-1, 0))
    [alone] = vit.tokens(images, layers=(0,))
    assert torch.equal(first.patches, alone.patches)
    assert not torch.equal(last.patches, first.patches)


def test_a_layer_that_does_not_exist_is_refused(make_vit: Callable) -> None:
    with pytest.raises(IndexError):
        make_vit().tokens(torch.zeros(1, 3, 56, 56), layers=(3,))


def test_patches_run_row_by_row(make_vit: Callable) -> None:
    vit = make_vit()
    images = torch.zeros(1, 3, 56, 70)
    images[:, :, 14:28, 28:42] = 1.0  # patch row 1, column 2
    sequence, grid = vit.embed(images)
    blank, _ = vit.embed(torch.zeros(1, 3, 56, 70))
    changed = (sequence - blank).abs().sum(-1)[0, 1:].nonzero().flatten().tolist()
    assert grid == (4, 5)
    assert changed == [1 * 5 + 2]


def test_feature_map_keeps_rows_and_columns(make_vit: Callable) -> None:
    [tokens] = make_vit().tokens(torch.randn(2, 3, 56, 70))
    assert tokens.feature_map().shape == (2, 48, 4, 5)
    assert torch.equal(tokens.feature_map()[:, :, 1, 2], tokens.patches[:, 1 * 5 + 2])


@pytest.mark.parametrize("shape", [(1, 3, 50, 56), (1, 1, 56, 56), (1, 3, 0, 14)])
def test_images_that_are_no_whole_patches_are_refused(make_vit: Callable, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputSizeError, match="multiples of the patch size 14"):
        make_vit().tokens(torch.zeros(shape))


def test_tokens_of_a_loaded_backbone_need_no_gradient(checkpoint: object) -> None:
    from benchmark.backbones import load_backbone

    backbone = load_backbone(str(checkpoint))
    [tokens] = backbone.tokens(torch.randn(1, 3, 28, 28))
    assert not backbone.training
    assert not tokens.patches.requires_grad
