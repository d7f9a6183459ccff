"""What else differs between two models that a table compares: a difference is the split's only if nothing else does."""

from __future__ import annotations

from typing import Any

from benchmark.records.schema import ModelInfo

_OF_MODEL = ("layout", "embed_dim", "depth", "patch_size", "num_registers", "attention_bias")
_OF_SPEC = (
    *("num_heads", "ffn", "ffn_dim", "qkv_bias", "layer_scale", "norm_eps"),
    *("grid_size", "position_interpolation", "rope_dtype", "preprocessing"),
)

COMPARED = (*_OF_MODEL, *_OF_SPEC)
"""Fields of a model that are compared: everything of the architecture and its preprocessing but the split."""


def architecture_differences(first: ModelInfo, second: ModelInfo, *, may_differ: tuple[str, ...] = ()) -> list[str]:
    """Lists the fields in which two models differ, the split aside, as ``embed_dim 384 ≠ 1024``.

    Args:
        first: A model.
        second: Another.
        may_differ: Names of ``COMPARED`` that are left out.
    """
    return [
        f"{name} {_text(ours)} ≠ {_text(theirs)}"
        for name in COMPARED
        if name not in may_differ and (ours := _value(first, name)) != (theirs := _value(second, name))
    ]


def _value(model: ModelInfo, name: str) -> Any:
    return getattr(model, name) if name in _OF_MODEL else model.spec.get(name)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
