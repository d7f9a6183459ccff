"""Reading an architecture from canonical keys and shapes (the names are those of ``vit.py``)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from torch import Tensor

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones.metadata import CheckpointMetadata
from benchmark.backbones.spec import PositionInterpolation, Preprocessing, ViTSpec, vit_name
from benchmark.backbones.specialization import LAYERS, Specialization
from benchmark.errors import CheckpointError, MissingKeysError, ShapeMismatchError, SpecialisationError, StructureError

# Every published DINOv2, DINOv3 (but 7B), DeiT-III and MAE model (but ViT-H) has heads 64 wide.
_HEAD_WIDTH = 64
# A block's layers stand in the module itself or in ``attn``.
_IN_ATTENTION = ("qkv", "proj")
_RULE_OF_POSITIONS = ("interpolate_offset", "interpolate_antialias")

T = TypeVar("T")


def refuse_options(options: BackboneOptions, allowed: tuple[str, ...], name: str) -> None:
    """Raises CheckpointError if an option is given that means nothing to this backbone."""
    refused = {key for key, value in asdict(options).items() if value is not None} - {*allowed}
    if refused:
        raise CheckpointError(f"{name!r} takes {', '.join(allowed)} only, not {', '.join(sorted(refused))}")


def meaningless_options(spec: ViTSpec) -> dict[str, str]:
    """Returns the options that change nothing in a model, with what it has or lacks that makes them so."""
    reasons = {}
    if spec.grid_size is None:
        reasons = dict.fromkeys(("image_size", *_RULE_OF_POSITIONS), "its positions are rotary")
    else:
        reasons["rope_dtype"] = "its positions are learned"
    if not spec.split or not spec.num_registers:
        reasons["registers_follow"] = f"it has no {'registers' if spec.split else 'layers split by token kind'}"
    return reasons


def refuse_meaningless_options(options: BackboneOptions, spec: ViTSpec, name: str) -> None:
    """Raises CheckpointError if an option is given that changes nothing and yet would make a row of its own.

    How positions are resized may be asked of every model, as some protocols do.
    """
    for option, reason in meaningless_options(spec).items():
        if option not in _RULE_OF_POSITIONS and getattr(options, option) is not None:
            raise CheckpointError(f"backbone.{option} means nothing to {name}: {reason}; leave it out")


@dataclass(frozen=True, kw_only=True)
class LayoutDefaults:
    """Settings that a layout, or a config beside the weights, implies and that cannot be inferred from the weights."""

    norm_eps: float
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    position_interpolation: PositionInterpolation | None = None
    """None in layouts with rotary positions."""

    rope_base: float | None = None
    """Base of rotary periods the file does not hold; None where it holds them or positions are learned."""

    rope_dtype: Literal["float32", "bfloat16"] = "float32"
    registers_follow: Literal["patch", "cls"] = "patch"

    num_heads: int | None = None
    """Heads, where a spec states them."""

    heads_by_width: Mapping[int, int] = field(default_factory=dict)
    """Heads of the widths whose heads are not 64 wide."""

    known: frozenset[str] = frozenset()
    """Options whose values here follow from what the file says of itself; the others are assumed."""


def infer_spec(
    state: Mapping[str, Tensor],
    defaults: LayoutDefaults,
    options: BackboneOptions,
    metadata: CheckpointMetadata = CheckpointMetadata(),  # noqa: B008 (immutable)
) -> ViTSpec:
    """Derives the architecture from canonical tensors.

    Args:
        state: Canonical state dict.
        defaults: The layout's values for what cannot be inferred from the tensors.
        options: The user's values, which come first.
        metadata: Metadata of the checkpoint, which comes second.

    Raises:
        MissingKeysError: A tensor the architecture is read from is missing.
        ShapeMismatchError: A tensor of impossible shape, or another patch size than asked for.
        SpecialisationError: A layer that is split and shared at once, or has one half only.
        StructureError: Block indices with gaps, a position grid that is neither stated nor square, heads that do not
            divide D, an epsilon, mean or std that cannot be, sizes other than those stated.
    """
    width, patch_size = _patch_embedding(state, options.patch_size)
    depth = _depth(state)
    _refuse_other_sizes({"embed_dim": width, "patch_size": patch_size, "depth": depth}, metadata)
    preprocessing = Preprocessing(
        mean=tuple(_first(options.mean, metadata.mean, defaults.preprocessing.mean)),
        std=tuple(_first(options.std, metadata.std, defaults.preprocessing.std)),
    )
    norm_eps = _first(options.norm_eps, metadata.norm_eps, defaults.norm_eps)
    possible = all(0 < value < math.inf for value in (norm_eps, *preprocessing.std))
    possible = possible and all(map(math.isfinite, preprocessing.mean))
    if not possible or len(preprocessing.mean) != 3 or len(preprocessing.std) != 3:
        raise StructureError(
            f"the epsilon of norms must be positive, mean and std three numbers, std positive; received {norm_eps}, "
            f"{preprocessing.mean} and {preprocessing.std}"
        )
    split = _split(state, depth)
    layer_scale = _any(state, "blocks.0.ls1", "gamma") is not None
    if (split.ls1 or split.ls2) and not layer_scale:
        raise MissingKeysError("the checkpoint lacks blocks.0.ls1.gamma and splits LayerScale in other blocks")
    swiglu = _any(state, "blocks.0.mlp", "w12.weight") is not None
    last = _any(state, "blocks.0.mlp", "w3.weight" if swiglu else "fc2.weight")
    if last is None:
        raise MissingKeysError("the checkpoint lacks 'blocks.0.mlp.fc2.weight', which the architecture is read from")
    if last.ndim != 2:
        raise ShapeMismatchError(f"the last MLP weight must be (D, hidden), the file has {tuple(last.shape)}")
    registers = state.get("register_tokens")
    if registers is not None and registers.ndim != 3:
        raise ShapeMismatchError(f"register_tokens must be (1, R, D), the file has {tuple(registers.shape)}")
    rotary = "rope_embed.periods" in state or defaults.rope_base is not None
    if rotary and "pos_embed" in state:
        raise StructureError("the checkpoint has both a learned pos_embed and rotary periods")
    rule = defaults.position_interpolation or PositionInterpolation(0.0, antialias=False)
    spec = ViTSpec(
        arch=vit_name(width, depth, patch_size),
        embed_dim=width,
        depth=depth,
        num_heads=_heads(state, width, defaults, _first(options.num_heads, metadata.num_heads, defaults.num_heads)),
        patch_size=patch_size,
        grid_size=None if rotary else _grid(_tensor(state, "pos_embed"), patch_size, options, metadata),
        num_registers=0 if registers is None else registers.shape[1],
        ffn="swiglu" if swiglu else "mlp",
        ffn_dim=last.shape[1],
        qkv_bias=_any(state, "blocks.0.attn.qkv", "bias") is not None,
        layer_scale=layer_scale,
        norm_eps=norm_eps,
        position_interpolation=None
        if rotary
        else PositionInterpolation(
            offset=_first(options.interpolate_offset, rule.offset),
            antialias=_first(options.interpolate_antialias, rule.antialias),
        ),
        rope_dtype=_first(options.rope_dtype, defaults.rope_dtype) if rotary else None,
        attention_bias=_attention_bias(state, depth),
        registers_follow=_first(options.registers_follow, defaults.registers_follow),
        split=split,
        preprocessing=preprocessing,
    )
    _refuse_other_sizes(vars(spec), metadata)
    return spec


_WORDS = {
    "depth": "blocks",
    "embed_dim": "channels",
    "num_registers": "registers",
    "patch_size": "pixels a patch",
    "ffn_dim": "channels inside the MLP",
}


def _refuse_other_sizes(inferred: Mapping[str, Any], metadata: CheckpointMetadata) -> None:
    """Raises StructureError if fields read from the tensors are not those stated."""
    for name, stated in metadata.sizes.items():
        if name in inferred and stated != inferred[name]:
            words = f"{stated} {_WORDS[name]}" if name in _WORDS else f"{name} {stated}"
            mend = metadata.mend and f"; {metadata.mend}"
            raise StructureError(f"{metadata.origin} says {words}, the checkpoint has {inferred[name]}{mend}")


def _first(*values: T | None) -> T | None:
    """Returns the first value that is not None."""
    return next((value for value in values if value is not None), None)


def _tensor(state: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in state:
        raise MissingKeysError(f"the checkpoint lacks {key!r}, which the architecture is read from")
    return state[key]


def _any(state: Mapping[str, Tensor], layer: str, name: str) -> Tensor | None:
    """Returns a tensor of a layer, or of its patch half where it is split."""
    return state.get(f"{layer}.{name}", state.get(f"{layer}.patch.{name}"))


def _patch_embedding(state: Mapping[str, Tensor], asked: int | None) -> tuple[int, int]:
    """Returns the width and the patch size."""
    weight = _tensor(state, "patch_embed.proj.weight")
    shape = tuple(weight.shape)
    if weight.ndim != 4 or shape[1] != 3 or shape[2] != shape[3] or not weight.numel():
        raise ShapeMismatchError(f"patch_embed.proj.weight must be (D, 3, p, p), the file has {shape}")
    if asked is not None and asked != shape[2]:
        raise ShapeMismatchError(
            f"the checkpoint has patches of {shape[2]} pixels (patch_embed.proj.weight is {shape}), but patch size "
            f"{asked} was asked for; is it another model's file (DINOv2 has 14, DINOv3 and DeiT-III have 16)?"
        )
    return shape[0], shape[2]


def _depth(state: Mapping[str, Tensor]) -> int:
    indices = sorted({int(match[1]) for key in state if (match := re.match(r"blocks\.(\d+)\.", key))})
    if indices != list(range(len(indices))) or not indices:
        raise StructureError(f"block indices must run from 0 without gaps; the checkpoint has {indices}")
    return len(indices)


def _split(state: Mapping[str, Tensor], depth: int) -> Specialization:
    split: dict[str, list[int]] = {layer: [] for layer in LAYERS}
    lora = []
    for block in range(depth):
        for layer in LAYERS:
            if _is_split(state, _layer_name(block, layer)):
                split[layer].append(block)
        added = state.get(f"blocks.{block}.attn.qkv.lora_a")
        if added is not None:
            if added.ndim != 2 or not added.numel():
                raise ShapeMismatchError(
                    f"blocks.{block}.attn.qkv.lora_a must be (rank, D), the file has {tuple(added.shape)}"
                )
            lora.append(block)
    return Specialization(
        **{layer: tuple(blocks) for layer, blocks in split.items()},
        qkv_lora=tuple(lora),
        lora_rank=state[f"blocks.{lora[0]}.attn.qkv.lora_a"].shape[0] if lora else 0,
        final_norm=_is_split(state, "norm"),
    )


def _layer_name(block: int, layer: str) -> str:
    return f"blocks.{block}.{'attn.' if layer in _IN_ATTENTION else ''}{layer}"


def _is_split(state: Mapping[str, Tensor], layer: str) -> bool:
    names = {key.removeprefix(f"{layer}.") for key in state if key.startswith(f"{layer}.")}
    halves = {half: {name for name in names if name.startswith(f"{half}.")} for half in ("cls", "patch")}
    if not any(halves.values()):
        return False
    for half, members in halves.items():
        if not members:
            raise SpecialisationError(f"{layer} has one half only: there is no {layer}.{half}.*")
    shared = names - halves["cls"] - halves["patch"]
    if shared:
        raise SpecialisationError(
            f"{layer} is split ({layer}.cls.*, {layer}.patch.*) and shared ({layer}.{min(shared)}) at once"
        )
    return True


def _attention_bias(state: Mapping[str, Tensor], depth: int) -> bool:
    """Tells whether every block has attention bias tokens; some only, or one of key and value, is an error."""
    blocks = {
        name: [block for block in range(depth) if f"blocks.{block}.attn.{name}" in state]
        for name in ("k_bias", "v_bias")
    }
    if blocks["k_bias"] != blocks["v_bias"] or len(blocks["k_bias"]) not in (0, depth):
        raise StructureError(
            f"attention bias tokens must be in all {depth} blocks, as keys and values; the checkpoint has "
            f"attn.k_bias in {_listed(blocks['k_bias'])} and attn.v_bias in {_listed(blocks['v_bias'])}"
        )
    return bool(blocks["k_bias"])


def _listed(blocks: Iterable[int]) -> str:
    return f"blocks {', '.join(map(str, blocks))}" if blocks else "none"


def stated_grid(patch_size: int, options: BackboneOptions, metadata: CheckpointMetadata) -> tuple[int, int] | None:
    """Returns the rows and columns of patches that the user or the metadata states."""
    image = _first(options.image_size, metadata.image_size)
    if image is None:
        return None
    height, width = (image, image) if isinstance(image, int) else image
    return height // patch_size, width // patch_size  # as transformers and timm divide


def _grid(
    pos_embed: Tensor, patch_size: int, options: BackboneOptions, metadata: CheckpointMetadata
) -> tuple[int, int]:
    count = max(pos_embed.shape[1] - 1, 0) if pos_embed.ndim == 3 else 0
    stated, side = stated_grid(patch_size, options, metadata), math.isqrt(count)
    if stated is not None and math.prod(stated) != count:
        origin = metadata.origin if options.image_size is None else "backbone.image_size"
        raise StructureError(
            f"{origin} means images of {stated[0] * patch_size} x {stated[1] * patch_size} pixels, so {stated[0]} x "
            f"{stated[1]} positions; the checkpoint has {count}. Give the size they belong to, in pixels: "
            "backbone.image_size=[HEIGHT,WIDTH]"
        )
    if stated is None and (side < 1 or side * side != count):
        raise StructureError(
            f"pos_embed must be (1, 1 + g*g, D) for a square grid of g*g patches, the file has "
            f"{tuple(pos_embed.shape)}; if its grid is not square, give backbone.image_size=[HEIGHT,WIDTH] in pixels"
        )
    return stated or (side, side)


def _heads(state: Mapping[str, Tensor], width: int, defaults: LayoutDefaults, heads: int | None) -> int:
    if heads is None:
        heads = inferred_heads(state, width) or defaults.heads_by_width.get(width)
    if heads is None and width % _HEAD_WIDTH:
        raise StructureError(
            f"the width {width} is not a multiple of {_HEAD_WIDTH}, so the number of heads cannot be inferred; "
            "pass it: backbone.num_heads=N"
        )
    if heads is None:
        heads = width // _HEAD_WIDTH
    if heads < 1 or width % heads:
        raise StructureError(f"{heads} attention heads do not divide the width {width}; check backbone.num_heads")
    return heads


def inferred_heads(state: Mapping[str, Tensor], width: int) -> int | None:
    """Reads the heads from attention bias tokens (1, H, 1, d) or from the d / 4 rotary periods."""
    bias, periods = state.get("blocks.0.attn.k_bias"), state.get("rope_embed.periods")
    if bias is not None and bias.ndim == 4:
        return bias.shape[1]
    if periods is not None and periods.numel() and width % (4 * periods.numel()) == 0:
        return width // (4 * periods.numel())
    return None
