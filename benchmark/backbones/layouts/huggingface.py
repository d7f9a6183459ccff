"""Hugging Face folders and files: Dinov2, Dinov2WithRegisters, DINOv3ViT, ViT, ViTMAE.

Source: transformers 5.23, ``models/{dinov2,dinov2_with_registers,dinov3_vit,vit,vit_mae}``. Files keep the names of
transformers 4; ``state_dict()`` of transformers 5 has others. Both are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.backbones.metadata import usual_preprocessing
from benchmark.backbones.rotary import DINOV3_BASE
from benchmark.backbones.spec import PositionInterpolation
from benchmark.backbones.state_dict import (
    CanonicalWeights,
    CheckpointWeights,
    drop,
    drop_empty,
    join_rows,
    rename,
    substitute,
)
from benchmark.errors import StructureError, UnsupportedArchitectureError

NAME = "huggingface"
ANCHORS = ("embeddings.cls_token",)

Family = Literal["dinov2", "dinov3", "vit"]

_MODEL_TYPES: dict[str, Family] = {
    "dinov2": "dinov2",
    "dinov2_with_registers": "dinov2",
    "dinov3_vit": "dinov3",
    "vit": "vit",
    "vit_mae": "vit",
}
_ours = substitute(
    (r"^embeddings\.(cls_token|register_tokens)$", r"\1"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.(projection\.)?", "patch_embed.proj."),
    (r"^(encoder\.layer|model\.layer|layer|layers)\.(\d+)\.", r"blocks.\2."),
    (r"^layernorm\.", "norm."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.q_proj\.", ".attn.query."),
    (r"\.attention\.k_proj\.", ".attn.key."),
    (r"\.attention\.v_proj\.", ".attn.value."),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"\.mlp\.weights_in\.", ".mlp.w12."),
    (r"\.mlp\.weights_out\.", ".mlp.w3."),
)
# up and down are SwiGLU's where there is a gate, else the two layers of an MLP
_gated = substitute((r"\.mlp\.gate_proj\.", ".mlp.w1."), (r"\.mlp\.up_proj\.", ".mlp.w2."), (r"\.down_proj\.", ".w3."))
_plain = substitute(
    (r"\.mlp\.up_proj\.", ".mlp.fc1."),
    (r"\.mlp\.down_proj\.", ".mlp.fc2."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"^(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
)


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether tokens and positions stand under ``embeddings``."""
    return "embeddings.cls_token" in weights.state


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Translates names, joins queries, keys and values, and drops poolers.

    Raises:
        UnsupportedArchitectureError: Another model type, or an activation that is not read here.
        StructureError: A query without its key or value.
    """
    family = _family(weights)
    state = dict(weights.state)
    dropped = (
        *drop(state, r"embeddings\.mask_token$", "used in pre-training only"),
        *drop(state, r"pooler\.", "pooler"),
        *drop_empty(state, "embeddings.register_tokens"),
    )
    state = rename(state, _ours)
    gated = any(".mlp.gate_proj." in key for key in state)
    _refuse_other_activations(weights.config, gated=gated or any(".mlp.w12." in key for key in state))
    state = rename(state, _gated if gated else _plain)
    if gated:
        join_rows(state, ("w1", "w2"), "w12")
    _fill_key_biases(state)
    join_rows(state, ("query", "key", "value"), "qkv")
    defaults, notes = _defaults(family, weights, registers="register_tokens" in state)
    return CanonicalWeights(state, defaults, dropped, notes)


def _family(weights: CheckpointWeights) -> Family:
    model_type = weights.config.get("model_type")
    if model_type is not None:
        if model_type not in _MODEL_TYPES:
            raise UnsupportedArchitectureError(
                f"config.json says {model_type!r}; read here are {', '.join(_MODEL_TYPES)}; others go through hf:DIR"
            )
        return _MODEL_TYPES[model_type]
    if "embeddings.position_embeddings" not in weights.state:
        return "dinov3"
    return "vit" if any("layernorm_before" in key for key in weights.state) else "dinov2"


def _refuse_other_activations(config: Mapping[str, Any], *, gated: bool) -> None:
    usual = "silu" if gated and config.get("model_type") == "dinov3_vit" else "gelu"  # Dinov2's SwiGLU ignores it
    activation = config.get("hidden_act", usual)
    if activation != usual and not (gated and usual == "gelu"):
        raise UnsupportedArchitectureError(
            f"config.json: hidden_act is {activation!r}, read here is {usual!r}; use hf:DIR"
        )


def _fill_key_biases(state: dict[str, Tensor]) -> None:
    """Gives keys the zero bias that DINOv3 leaves out."""
    for key in [key for key in state if re.search(r"\.attn\.query\.bias$", key)]:
        state.setdefault(key.replace(".query.", ".key."), torch.zeros_like(state[key]))


def _defaults(family: Family, weights: CheckpointWeights, *, registers: bool) -> tuple[LayoutDefaults, tuple[str, ...]]:
    config = weights.config
    notes = []
    if family == "dinov3" and not config:
        notes.append(f"no config.json beside the weights: the base of rotary periods is taken for {DINOV3_BASE:g}")
    if family == "dinov2" and weights.grid is None and config.get("image_size") is not None:
        notes.append(
            "positions are read as a square, as the code of this family does, although config.json says images of "
            f"{config['image_size']}; if that is the grid, give it as backbone.image_size"
        )
    defaults = LayoutDefaults(
        norm_eps={"dinov2": 1e-6, "dinov3": 1e-5, "vit": 1e-12}[family],
        preprocessing=usual_preprocessing({"model_type": family, **config}),
        position_interpolation=None if family == "dinov3" else PositionInterpolation(0.0, antialias=registers),
        rope_base=_rope_base(config) if family == "dinov3" else None,
        heads_by_width={"dinov2": {}, "dinov3": {4096: 32}, "vit": {1280: 16}}[family],  # 7B; ViT-H and ViTMAE-H
        # a model type names the code of transformers, which resizes in one way and makes angles in float32
        known=frozenset(
            {"interpolate_offset", "interpolate_antialias", "rope_dtype"} if "model_type" in config else ()
        ),
    )
    return defaults, tuple(notes)


def _rope_base(config: Mapping[str, Any]) -> float:
    """Returns the base of the rotary periods; transformers 5 may keep it among ``rope_parameters``."""
    parameters = config.get("rope_parameters")
    inside = parameters.get("rope_theta") if isinstance(parameters, Mapping) else None
    try:
        return float(config.get("rope_theta", inside or DINOV3_BASE))
    except (TypeError, ValueError) as error:
        raise StructureError(f"config.json: the base of rotary periods cannot be read: {error}") from error
