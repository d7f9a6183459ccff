"""What names and lists say of the files of a dataset, before any is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """An image with its label map or depth map."""

    image: Path
    label: Path | None
    """None where the image is of one class."""

    category: str = ""
    """That class."""


@dataclass(frozen=True)
class SplitFiles:
    """One split."""

    name: str
    pairs: tuple[Pair, ...]
    official: int | None
    """Images of the official release, if there is one."""

    source: Path
    """The list or folder the pairs come from."""

    optional: bool = False
    """Whether the dataset is complete without it."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    label_files: tuple[Path, ...] = ()
    """Files that tell the class of each image."""


@dataclass(frozen=True)
class FurtherSets:
    """Test sets beside a dataset, which its benchmarks score where they are there."""

    splits: tuple[tuple[Path, SplitFiles], ...] = ()
    """The root of each set's own dataset, and its files."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Why a set that is there is not scored."""
