"""What lists and folders say of the images of a split that have maps, before any file is opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MapListing:
    """Images and their label or depth maps."""

    pairs: tuple[tuple[Path, Path], ...] = ()
    """Image and map, in the order they are used, whether or not they exist."""

    problems: tuple[str, ...] = ()
    """What is wrong, where, and how to mend it; a benchmark needs a listing without any."""

    notes: tuple[str, ...] = ()
    """What was passed over."""


@dataclass(frozen=True)
class Mention:
    """A line of a list that names a file."""

    name: str
    """Path relative to the dataset's root, without detours."""

    path: Path
    """The list."""

    line: int
    """Number of the line."""


def repeats(mentions: Iterable[Mention]) -> list[str]:
    """Names what stands in lists more than once: a problem for each list, with the lines of the first.

    A score would count such an image twice, and its record would be refused: an image has one row in it.
    """
    first: dict[str, Mention] = {}
    again: defaultdict[Path, list[Mention]] = defaultdict(list)
    for mention in mentions:
        if first.setdefault(mention.name, mention) is not mention:
            again[mention.path].append(mention)
    return [_repeat(first[second[0].name], second[0], len(second) - 1) for second in again.values()]


def _repeat(one: Mention, other: Mention, more: int) -> str:
    where = f"line {one.line}" if one.path == other.path else f"{one.path}, line {one.line}"
    too = f", and {more:,} more lines name what is named before" if more else ""
    return (
        f"{other.path}, line {other.line}: {other.name} stands in {where} already{too}; each file is to be named once, "
        "remove the lines that repeat others"
    )
