"""A table as a person reads it, before it is written as Markdown, LaTeX or on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Better = Literal["higher", "lower"]
Mark = Literal["", "best", "second"]


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    better: Better | None = None
    """Direction of a score, None for what is no score."""

    numeric: bool = False
    """Whether it stands to the right."""


@dataclass(frozen=True)
class Entry:
    """One cell."""

    text: str = ""
    """As it is shown."""

    detail: str = ""
    """Interval or the like, shown small beside or below it."""

    ranked: bool = True
    """Whether it may be marked as best."""


@dataclass(frozen=True)
class Section:
    """Rows that can be compared with each other."""

    title: str
    rows: list[list[Entry]]


@dataclass(frozen=True)
class Grid:
    """A table and what must be read with it."""

    title: str
    columns: list[Column]
    sections: list[Section]
    notes: list[str] = field(default_factory=list)


def marks(grid: Grid, section: Section) -> list[list[Mark]]:
    """Finds the best and second-best number of every score within a section, as printed.

    Equal numbers share a place. One number alone is not marked: it is the best of nothing.
    """
    found: list[list[Mark]] = [["" for _ in grid.columns] for _ in section.rows]
    for place, column in enumerate(grid.columns):
        if column.better is None:
            continue
        entries = [row[place] for row in section.rows]
        values = {number: float(each.text) for number, each in enumerate(entries) if each.text and each.ranked}
        ordered = sorted(set(values.values()), reverse=column.better == "higher")
        if len(values) < 2 or len(ordered) < 2:
            continue
        for number, value in values.items():
            if value in ordered[:2]:
                found[number][place] = ("best", "second")[ordered.index(value)]
    return found
