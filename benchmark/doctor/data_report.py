"""What a check of data finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ClassCount:
    """One class in one split."""

    id: int
    """Class id, counted from 0, as it is scored."""

    name: str
    pixels: int
    images: int


@dataclass(frozen=True)
class DepthSummary:
    """Depth maps of one split, in metres."""

    valid: float
    """Mean share of pixels with a measurement, over maps that have any."""

    lowest: float
    median: float
    """Median of the maps' medians."""

    highest: float
    without: int
    """Maps without any measurement."""


@dataclass(frozen=True)
class Remark:
    """Something unusual that does no harm by itself."""

    kind: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class SplitReport:
    """What one split holds."""

    name: str
    images: int
    official: int | None
    """Images of the official release; None where there is none."""

    readable: int
    """Images that could be read together with their label."""

    smallest: tuple[int, int] | None
    """Width and height of the image with the fewest pixels."""

    largest: tuple[int, int] | None
    classes: tuple[ClassCount, ...] | None = None
    ignored_share: float | None = None
    """Share of label pixels that are not scored."""

    depth: DepthSummary | None = None
    folders: dict[str, int] | None = None
    """Images of each class folder."""

    remarks: tuple[Remark, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataReport:
    """What a dataset holds and whether it can be used."""

    name: str
    title: str
    root: str
    splits: tuple[SplitReport, ...]
    variant: str
    comparable: bool
    """Whether scores on it can stand beside published ones."""

    fingerprint: str | None
    """That of the splits a benchmark uses, all samples; None where a file could not be read."""

    problems: tuple[str, ...]
    files: int
    seconds: float
    notes: tuple[str, ...] = ()
    """What is to be said of further test sets."""

    @property
    def usable(self) -> bool:
        """Whether a benchmark can run on it."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Returns everything as plain values."""
        return {**asdict(self), "usable": self.usable}
