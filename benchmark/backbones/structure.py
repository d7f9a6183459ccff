"""Reading an architecture from canonical keys and shapes (the names are those of ``vit.py``)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from torch import Tensor

from benchmark.backbones.spec import PositionInterpolation, Preprocessing, ViTSpec, vit_name
from benchmark.errors import MissingKeysError, ShapeMismatchError, StructureError

# Every published DINOv2, DINOv3, DeiT-III and MAE model has heads 64 wide, but for ViT-H of MAE and DeiT-III (80).
_HEAD_WIDTH = 64

T = TypeVar("T")


@dataclass(frozen=True)
class BackboneOptions:
    """What no key tells and a user may give by name; None takes the layout's default."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # a misspelt option in a protocol is an error

    num_heads: int | None = None
    """Attention heads; otherwise one per 64 channels."""

    norm_eps: float | None = None
    """Epsilon of every LayerNorm."""

    interpolate_offset: float | None = None
    """See ``PositionInterpolation.offset``."""

    interpolate_antialias: bool | None = None
    """See ``PositionInterpolation.antialias``."""

    mean: tuple[float, float, float] | None = None
    """Normalisation mean, RGB in [0, 1]."""

    std: tuple[float, float, float] | None = None
    """Normalisation standard deviation, RGB in [0, 1]."""


@dataclass(frozen=True)
class LayoutDefaults:
    """What a checkpoint layout implies and its keys do not tell."""

    norm_eps: float
    position_interpolation: PositionInterpolation
    preprocessing: Preprocessing


def infer_spec(state: Mapping[str, Tensor], defaults: LayoutDefaults, options: BackboneOptions) -> ViTSpec:
    """Derives the architecture from canonical tensors.

    Args:
        state: Canonical state dict.
        defaults: The layout's values for what no key tells.
        options: The user's values, which come first.

    Raises:
        MissingKeysError: A tensor the architecture is read from is missing.
        ShapeMismatchError: A tensor of impossible shape.
        StructureError: Block indices with gaps, a position grid that is no square, heads that do not divide D.
    """
    patch_weight = _tensor(state, "patch_embed.proj.weight")
    if (
        patch_weight.ndim != 4
        or patch_weight.shape[1] != 3
        or patch_weight.shape[2] != patch_weight.shape[3]
        or not patch_weight.numel()
    ):
        raise ShapeMismatchError(
            f"patch_embed.proj.weight must be (D, 3, p, p), the file has {tuple(patch_weight.shape)}"
        )
    width, patch_size = patch_weight.shape[0], patch_weight.shape[2]
    depth = _depth(state)
    swiglu = "blocks.0.mlp.w12.weight" in state
    registers = state.get("register_tokens")
    if registers is not None and registers.ndim != 3:
        raise ShapeMismatchError(f"register_tokens must be (1, R, D), the file has {tuple(registers.shape)}")
    last = _tensor(state, f"blocks.0.mlp.{'w3' if swiglu else 'fc2'}.weight")
    if last.ndim != 2:
        raise ShapeMismatchError(f"the last MLP weight must be (D, hidden), the file has {tuple(last.shape)}")
    rule = defaults.position_interpolation
    return ViTSpec(
        arch=vit_name(width, depth, patch_size),
        embed_dim=width,
        depth=depth,
        num_heads=_heads(width, options.num_heads),
        patch_size=patch_size,
        grid_size=_grid_side(_tensor(state, "pos_embed")),
        num_registers=0 if registers is None else registers.shape[1],
        ffn="swiglu" if swiglu else "mlp",
        ffn_dim=last.shape[1],
        qkv_bias="blocks.0.attn.qkv.bias" in state,
        layer_scale="blocks.0.ls1.gamma" in state,
        norm_eps=_given(options.norm_eps, defaults.norm_eps),
        position_interpolation=PositionInterpolation(
            offset=_given(options.interpolate_offset, rule.offset),
            antialias=_given(options.interpolate_antialias, rule.antialias),
        ),
        preprocessing=Preprocessing(
            mean=tuple(_given(options.mean, defaults.preprocessing.mean)),
            std=tuple(_given(options.std, defaults.preprocessing.std)),
        ),
    )


def _given(value: T | None, default: T) -> T:
    return default if value is None else value


def _tensor(state: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in state:
        raise MissingKeysError(f"the checkpoint lacks {key!r}, which the architecture is read from")
    return state[key]


def _depth(state: Mapping[str, Tensor]) -> int:
    indices = sorted({int(match[1]) for key in state if (match := re.match(r"blocks\.(\d+)\.", key))})
    if indices != list(range(len(indices))) or not indices:
        raise StructureError(f"block indices must run from 0 without gaps; the checkpoint has {indices}")
    return len(indices)


def _grid_side(pos_embed: Tensor) -> int:
    rows = pos_embed.shape[1] if pos_embed.ndim == 3 else 0
    side = math.isqrt(max(rows - 1, 0))
    if side < 1 or side * side != rows - 1:
        raise StructureError(
            f"pos_embed must be (1, 1 + g*g, D) for a square grid of g*g patches, the file has {tuple(pos_embed.shape)}"
        )
    return side


def _heads(width: int, given: int | None) -> int:
    if given is None and width % _HEAD_WIDTH:
        raise StructureError(
            f"the width {width} is no multiple of {_HEAD_WIDTH}, so the number of heads cannot be guessed; "
            "give it by name: backbone.num_heads=N"
        )
    heads = given if given is not None else width // _HEAD_WIDTH
    if heads < 1 or width % heads:
        raise StructureError(f"{heads} attention heads do not divide the width {width}; check backbone.num_heads")
    return heads
