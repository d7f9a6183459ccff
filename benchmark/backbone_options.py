"""What a user may say of a checkpoint. Imports no torch: protocols hold these options too."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class BackboneOptions:
    """What no key tells and a user may give by name; None takes the layout's default.

    Raises:
        ValueError: A value that no backbone can have.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # a misspelt option in a protocol is an error

    num_heads: int | None = None
    """Attention heads; otherwise from the file where it tells, else one per 64 channels."""

    norm_eps: float | None = None
    """Epsilon of every LayerNorm."""

    interpolate_offset: float | None = None
    """See ``PositionInterpolation.offset``; from 0 to less than 1, for one would be another grid."""

    interpolate_antialias: bool | None = None
    """See ``PositionInterpolation.antialias``."""

    registers_follow: Literal["patch", "cls"] | None = None
    """Whose copy of a split layer the registers pass through."""

    rope_dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of rotary positions."""

    patch_size: int | None = None
    """Patch size the file must have, pixels: another one is an error."""

    image_size: int | tuple[int, ...] | None = None
    """Side, or height and width, of the images that the stored position grid belongs to, pixels."""

    weights: str | None = None
    """Entry of a training file, or prefix, that holds the weights: ``student``, ``model_ema``."""

    mean: tuple[float, float, float] | None = None
    """Normalisation mean, RGB in [0, 1]."""

    std: tuple[float, float, float] | None = None
    """Normalisation standard deviation, RGB in [0, 1]."""

    def __post_init__(self) -> None:
        for name, (fits, what) in _VALUES.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise ValueError(f"{name} must be {what}, received {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_size(value: Any) -> bool:
    return _is_count(value) or (isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_count, value)))


def _is_colour(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 3 and all(map(_is_number, value))


_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "num_heads": (_is_count, "a whole number from 1 on"),
    "norm_eps": (lambda value: _is_number(value) and value > 0, "a positive number"),
    "interpolate_offset": (lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to less than 1"),
    "registers_follow": (lambda value: value in ("patch", "cls"), "one of patch, cls"),
    "rope_dtype": (lambda value: value in ("float32", "bfloat16"), "one of float32, bfloat16"),
    "patch_size": (_is_count, "a side in pixels, from 1 on"),
    "image_size": (_is_size, "a side or [height,width] in pixels, from 1 on"),
    "weights": (bool, "the name of a model of the file"),
    "mean": (_is_colour, "three numbers, of red, green and blue"),
    "std": (lambda value: _is_colour(value) and min(value) > 0, "three positive numbers, of red, green and blue"),
}
