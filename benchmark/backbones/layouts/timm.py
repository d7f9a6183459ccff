"""timm's ViTs: plain, DINOv2 (with and without registers), DeiT-III, DINOv3 and LingBot (``eva.py``).

Source: huggingface/pytorch-image-models 1.0.31, ``models/vision_transformer.py`` and ``models/eva.py``. Models with
registers keep the position of [CLS] inside ``cls_token``, so its row is zero here. A gated MLP is called ``fc1``,
``fc2`` and recognised by its shape. Plain names are those of DINO, MoCo v3 and supervised ViTs too.

Other models of ``eva.py`` have the same names and compute something else, so they are refused: RoPE-ViT rotates
interleaved channels, EVA-02 rotates beside learned positions or has its norms after the branches. They are recognised
by the model's name in ``config.json`` or in the arguments of a training file. Without one, DINOv3 is what has registers
and no bias of the keys (``EvaAttention``: ``q_bias`` and ``v_bias``, or none).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.backbones.pos_embed import has_cls_row, with_cls_row
from benchmark.backbones.rotary import DINOV3_BASE
from benchmark.backbones.spec import PositionInterpolation
from benchmark.backbones.state_dict import (
    MASKS,
    CanonicalWeights,
    CheckpointWeights,
    drop,
    drop_empty,
    has_plain_names,
    join_rows,
    rename,
    substitute,
)
from benchmark.errors import StructureError, UnsupportedArchitectureError

NAME = "timm"
ANCHORS = ("patch_embed.proj.weight",)

# What names of models hold.
_ROTARY_THAT_IS_READ = re.compile(r"dinov3|lingbot")
_SEPARATE_BIASES_THAT_ARE_READ = re.compile(r"eva_giant")
_NOT_READ = re.compile(r"(^|_)(eva02|rope)(_|$)")
# Arguments of a model that change what it computes and none of its tensors.
_REBUILT = re.compile(r"rope|rot_pos|post_norm|_layer$|_fn$")

_ours = substitute(
    (r"^reg_token$", "register_tokens"),
    (r"^fc_norm\.", "norm."),
    (r"\.gamma_([12])$", r".ls\1.gamma"),
    (r"\.mlp\.fc1_g\.", ".mlp.w1."),
    (r"\.mlp\.fc1_x\.", ".mlp.w2."),
)


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether the names are timm's where they differ from DINOv2's, or there is neither LayerScale nor mask."""
    state = weights.state
    if "patch_embed.proj.weight" not in state or not any(".attn.qkv." in key for key in state):
        return False
    if "reg_token" in state or _gated(state) or _has_separate_biases(state) or "architecture" in weights.config:
        return True
    if "pos_embed" not in state:
        return any(key.endswith(".gamma_1") for key in state)  # RoPE-ViT, BEiT
    if any(".ls1." in key for key in state):
        as_dinov2 = any(re.match(f"register_tokens|{MASKS}", key) for key in (*state, *weights.sibling_keys))
        return not as_dinov2 and not has_cls_row(state["pos_embed"], weights.grid)
    return weights.wrapper != "model" and has_plain_names(weights)  # DeiT and MAE wrap theirs


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Translates names, restores the row of [CLS] among the positions, and drops the classifier.

    Raises:
        StructureError: A part of a gated MLP, or of a bias, without the other; positions of one of two grids.
        UnsupportedArchitectureError: A model of ``eva.py`` that is not read here.
    """
    _refuse_others(weights)
    gated = _gated(weights.state)
    state = rename(weights.state, _ours)
    dropped = (
        *drop(state, r"head\.", "classifier"),
        *drop(state, MASKS, "used in pre-training only"),
        *drop_empty(state, "register_tokens"),
    )
    notes = []
    if "fc_norm.weight" in weights.state:
        notes.append("the final norm is fc_norm, which was trained on the mean of the patches, not on single tokens")
    if gated:
        state = rename(state, substitute((r"\.mlp\.fc1\.", ".mlp.w12."), (r"\.mlp\.fc2\.", ".mlp.w3.")))
    elif any(".mlp.w1." in key for key in state):
        join_rows(state, ("w1", "w2"), "w12")
        state = rename(state, substitute((r"\.mlp\.fc2\.", ".mlp.w3.")))
    _join_biases(state)
    rotary, named = "pos_embed" not in state, "architecture" in weights.config
    if rotary and not named:
        notes.append(f"the base of rotary periods is taken for {DINOV3_BASE:g}, as in timm's models of DINOv3")
    if not rotary:
        plain = "cls_token" in state and has_plain_names(weights)
        state["pos_embed"], count_note = with_cls_row(state["pos_embed"], weights.grid, plain=plain)
        notes.extend(count_note)
    if has_plain_names(weights) and not named:
        notes.append(
            "plain ViT names imply no rule for other image sizes; timm's is assumed. For a file of DINO pass "
            "backbone.interpolate_offset=0.1 backbone.interpolate_antialias=false"
        )
    defaults = LayoutDefaults(
        norm_eps=1e-5 if rotary else 1e-6,
        position_interpolation=None if rotary else PositionInterpolation(0.0, antialias=True),
        rope_base=DINOV3_BASE if rotary else None,
        # DINOv3 7B; vit_so400m, vit_huge, vit_giant and eva_giant, vit_gigantic
        heads_by_width={4096: 32} if rotary else dict.fromkeys((1152, 1280, 1408, 1664), 16),
        known=frozenset({"interpolate_offset", "interpolate_antialias", "rope_dtype"} if named else ()),
    )
    return CanonicalWeights(state, defaults, dropped, tuple(notes))


def refuse_by_name(weights: CheckpointWeights) -> None:
    """Raises UnsupportedArchitectureError if a config or the arguments of training name RoPE-ViT or EVA-02."""
    for name in (weights.config.get("architecture"), weights.arguments.get("model")):
        if isinstance(name, str) and _NOT_READ.search(name):
            raise _not_read(repr(name), name)


def _not_read(what: str, name: str = "NAME") -> UnsupportedArchitectureError:
    return UnsupportedArchitectureError(
        f"the names are timm's, and those of {what}, whose positions or blocks are not read here; it goes through "
        f"timm:{name}@FILE"
    )


def _refuse_others(weights: CheckpointWeights) -> None:
    """Raises UnsupportedArchitectureError if the file is, or may be, a model that computes something else."""
    refuse_by_name(weights)
    state, name = weights.state, weights.config.get("architecture")
    rotary, separate = "pos_embed" not in state, _has_separate_biases(state)
    if name is not None:
        usual = _ROTARY_THAT_IS_READ if rotary else _SEPARATE_BIASES_THAT_ARE_READ if separate else re.compile("")
        if not usual.search(str(name)):
            raise _not_read(repr(name), str(name))
    elif rotary and ("reg_token" not in state or any(key.endswith(".attn.qkv.bias") for key in state)):
        raise _not_read("a model without learned positions that is not its DINOv3 (RoPE-ViT, BEiT, ...)")
    elif separate and not rotary:
        raise _not_read("EVA or EVA-02")
    _refuse_rebuilt(weights.config)


def _refuse_rebuilt(config: Mapping[str, Any]) -> None:
    """Raises UnsupportedArchitectureError if a config has arguments that change what the model of its name computes."""
    arguments = config.get("model_args")
    for key, value in arguments.items() if isinstance(arguments, Mapping) else ():
        if _REBUILT.search(key) and value not in (None, "gelu"):
            raise UnsupportedArchitectureError(
                f"config.json builds {config.get('architecture')!r} with {key}={value!r}, which is not read here; "
                "build it in a file of your own: my_file.py:build"
            )


def _has_separate_biases(state: Mapping[str, Tensor]) -> bool:
    return any(key.endswith(".attn.q_bias") for key in state)


def _gated(state: Mapping[str, Tensor]) -> bool:
    """Tells whether fc1 makes gate and value: twice as many rows as fc2 has columns."""
    first, second = state.get("blocks.0.mlp.fc1.weight"), state.get("blocks.0.mlp.fc2.weight")
    return first is not None and second is not None and first.shape[0] == 2 * second.shape[-1]


def _join_biases(state: dict[str, Tensor]) -> None:
    """Replaces ``q_bias`` and ``v_bias`` by one bias whose middle third, that of the keys, is zero."""
    for key in [key for key in state if key.endswith(".attn.q_bias")]:
        other = key.replace("q_bias", "v_bias")
        if other not in state or state[other].shape != state[key].shape:
            raise StructureError(f"the checkpoint has {key!r} but no {other!r} of its shape; they belong together")
        queries, values = state.pop(key), state.pop(other)
        state[key.replace("q_bias", "qkv.bias")] = torch.cat((queries, torch.zeros_like(queries), values))
