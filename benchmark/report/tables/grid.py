"""A table as a person reads it, before it is written as Markdown, LaTeX or on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from benchmark.metric import Metric

Mark = Literal["", "best", "second"]


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    metric: Metric | None = None
    """Metric of the scores it holds, None for other columns."""

    numeric: bool = False
    """Whether it is aligned to the right."""

    @property
    def better(self) -> Literal["higher", "lower"] | None:
        """Direction of its scores, None for other columns."""
        return None if self.metric is None else self.metric.better

    @property
    def heading(self) -> str:
        """Title with an arrow that points where better is."""
        return self.title if self.metric is None else f"{self.title} {self.metric.arrow}"


@dataclass(frozen=True)
class GridEntry:
    """The content of one column in one row."""

    text: str = ""
    """As it is shown."""

    detail: str = ""
    """Interval or the like, shown small beside or below it."""

    value: float | None = None
    """The number it shows, None for text."""

    ranked: bool = False
    """Whether the number takes part in the ranking of its column."""

    records: tuple[str, ...] = ()
    """Identities of the records it was made of."""

    @classmethod
    def of(
        cls, metric: Metric, value: float, detail: str = "", *, ranked: bool = True, records: tuple[str, ...] = ()
    ) -> GridEntry:
        """Writes a value as its metric is written."""
        return cls(metric.text(value), detail, value, ranked, records)


@dataclass(frozen=True)
class GridSection:
    """Rows that can be compared with each other."""

    title: str
    rows: list[list[GridEntry]]


@dataclass(frozen=True)
class Grid:
    """A table and what must be read with it."""

    title: str
    columns: list[Column]
    sections: list[GridSection]
    notes: list[str] = field(default_factory=list)


def marks(grid: Grid, section: GridSection) -> list[list[Mark]]:
    """Finds the best and second-best number of every score within a section, at the precision that is printed.

    Equal numbers share a place. One number alone is not marked: it is the best of nothing.
    """
    by_row: list[list[Mark]] = [["" for _ in grid.columns] for _ in section.rows]
    for place, column in enumerate(grid.columns):
        if column.metric is None:
            continue
        numbers = {
            line: round(row[place].value, column.metric.decimals)
            for line, row in enumerate(section.rows)
            if row[place].ranked
        }
        best_first = sorted(set(numbers.values()), reverse=column.metric.higher_is_better)
        if len(best_first) < 2:
            continue
        for line, number in numbers.items():
            if number in best_first[:2]:
                by_row[line][place] = ("best", "second")[best_first.index(number)]
    return by_row
