"""Settings of a backbone that were assumed: neither the user nor the file nor a config beside it states them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones.base import Backbone
from benchmark.backbones.infer_spec import LayoutDefaults, inferred_heads, meaningless_options
from benchmark.backbones.metadata import CheckpointMetadata
from benchmark.backbones.spec import ViTSpec

_NOT_IN_TENSORS = (
    "num_heads", "norm_eps", "rope_dtype", "image_size", "interpolate_offset", "interpolate_antialias",
    "registers_follow", "mean", "std",
)  # fmt: skip


def assumed_options(
    spec: ViTSpec,
    state: Mapping[str, Tensor],
    defaults: LayoutDefaults,
    options: BackboneOptions,
    metadata: CheckpointMetadata,
) -> tuple[str, ...]:
    """Names the options that matter to a model and were assumed; the arguments are those of ``infer_spec``."""
    chosen = {name for name, value in vars(options).items() if value is not None}
    known = {name for name, value in vars(metadata).items() if value is not None} | defaults.known
    if inferred_heads(state, spec.embed_dim):
        known.add("num_heads")
    known = chosen | (known - {*metadata.assumed})
    beyond = {*known, *meaningless_options(spec)}
    return tuple(name for name in _NOT_IN_TENSORS if name not in beyond)


def assumptions(backbone: Backbone) -> dict[str, str]:
    """Returns the values that were assumed, by option, written as the option takes them."""
    spec = backbone.spec
    values: dict[str, object] = {"mean": list(spec.preprocessing.mean), "std": list(spec.preprocessing.std)}
    if isinstance(spec, ViTSpec):
        values |= {name: getattr(spec, name) for name in ("num_heads", "norm_eps", "rope_dtype", "registers_follow")}
    if isinstance(spec, ViTSpec) and spec.grid is not None:
        values["image_size"] = [side * spec.patch_size for side in spec.grid]
        values["interpolate_offset"] = spec.position_interpolation.offset
        values["interpolate_antialias"] = spec.position_interpolation.antialias
    return {name: _written(values[name]) for name in backbone.source.assumed}


def assumption_line(backbone: Backbone) -> str | None:
    """Says in one line what was assumed and how to change it; None if nothing was."""
    values = ", ".join(f"{name}={value}" for name, value in assumptions(backbone).items())
    if not values:
        return None
    return f"{backbone.source.checkpoint}: not stated and assumed: {values}; pass backbone.NAME=VALUE to change it"


def _written(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(_written(item) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
