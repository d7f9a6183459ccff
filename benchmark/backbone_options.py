"""What a user may say of a checkpoint. Imports no torch: protocols hold these options too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class BackboneOptions:
    """What no key tells and a user may give by name; None takes the layout's default."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # a misspelt option in a protocol is an error

    num_heads: int | None = None
    """Attention heads; otherwise from the file where it tells, else one per 64 channels."""

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
        known = {"registers_follow": ("patch", "cls"), "rope_dtype": ("float32", "bfloat16")}
        for name, values in known.items():
            if getattr(self, name) not in (None, *values):
                raise ValueError(f"{name} must be one of {', '.join(values)}, received {getattr(self, name)!r}")
