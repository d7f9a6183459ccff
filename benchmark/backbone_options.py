"""Settings of a checkpoint that a user may pass explicitly. Imports no torch: protocols hold these options too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class BackboneOptions:
    """Settings that cannot be inferred from the weights; they can be passed explicitly and are recorded.

    None takes what the file states, else the layout's default.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # a misspelt option in a protocol is an error

    num_heads: int | None = None
    """Attention heads; otherwise from the file where it states them, else one per 64 channels."""

    norm_eps: float | None = None
    """Epsilon of every LayerNorm."""

    interpolate_offset: float | None = None
    """See ``PositionInterpolation.offset``."""

    interpolate_antialias: bool | None = None
    """See ``PositionInterpolation.antialias``."""

    registers_follow: Literal["patch", "cls"] | None = None
    """Whose copy of a split layer the registers pass through."""

    rope_dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of rotary positions."""

    patch_size: int | None = None
    """Patch size the file must have, pixels: another one is an error."""

    image_size: int | tuple[int, int] | None = None
    """Side, or height and width, of the images that the stored position grid belongs to, pixels."""

    weights: str | None = None
    """Entry of a training file, or prefix, that holds the weights: ``student``, ``model_ema``."""

    mean: tuple[float, float, float] | None = None
    """Normalisation mean, RGB in [0, 1]."""

    std: tuple[float, float, float] | None = None
    """Normalisation standard deviation, RGB in [0, 1]."""

    def __post_init__(self) -> None:
        for name, (is_possible, wanted) in _POSSIBLE.items():
            value = getattr(self, name)
            if value is not None and not is_possible(value):
                raise ValueError(f"{name} must be {wanted}, received {value!r}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _are(is_one: Callable[[Any], bool], number: int) -> Callable[[Any], bool]:
    """Returns a test of as many values."""
    return lambda values: isinstance(values, list | tuple) and len(values) == number and all(map(is_one, values))


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


_POSSIBLE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "num_heads": (_is_count, "a positive integer"),
    "norm_eps": (_is_positive, "a positive finite number"),
    # what is added to a side must not make it longer; see ``PositionInterpolation``
    "interpolate_offset": (lambda value: _is_number(value) and 0 <= value < 1, "at least 0 and less than 1"),
    "interpolate_antialias": (lambda value: isinstance(value, bool), "true or false"),
    "registers_follow": (lambda value: value in ("patch", "cls"), "one of patch, cls"),
    "rope_dtype": (lambda value: value in ("float32", "bfloat16"), "one of float32, bfloat16"),
    "patch_size": (_is_count, "a positive number of pixels"),
    "image_size": (
        lambda value: _is_count(value) or _are(_is_count, 2)(value),
        "a side or [height, width], in positive numbers of pixels",
    ),
    "weights": (lambda value: isinstance(value, str) and value != "", "a name"),
    "mean": (_are(_is_number, 3), "three finite numbers"),
    "std": (_are(_is_positive, 3), "three positive finite numbers"),
}
"""What a value that is given must be, by option: a test and its words."""
