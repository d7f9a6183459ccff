"""A test set beside a classification dataset, for the same heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.data.classification import LabelledImages


@dataclass(frozen=True)
class ExtraSet:
    """A test set for heads that were trained on another dataset."""

    name: str
    """"real", "v2" or "sketch" for example."""

    split: LabelledImages
    """Its images. Its ``labels`` are single ones; those of a set that labels val anew are val's own."""

    targets: tuple[tuple[int, ...], ...]
    """Labels that count as right, for each image; never empty."""

    of_val: tuple[int, ...] | None = None
    """Indices of its images in val, where they are val's: what val's were predicted to be need not be asked again."""
