"""The leaderboard with the records behind each number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.report.tables.grid import Grid, GridEntry, Mark, marks


@dataclass(frozen=True)
class BoardEntry:
    """The content of one column in one row; rows are sorted by its number, or by its text."""

    entry: GridEntry
    mark: Mark
    runs: tuple[str, ...]
    """Anchors of the records it was made of."""


@dataclass(frozen=True)
class BoardSection:
    """Rows under one protocol."""

    title: str
    rows: list[list[BoardEntry]]


@dataclass(frozen=True)
class Board:
    """The leaderboard."""

    grid: Grid
    sections: list[BoardSection]
    about: list[int]
    """Places of the columns that describe a model; narrow screens show them below its name."""


def make_board(grid: Grid, anchors: Mapping[str, str]) -> Board:
    """Marks the best scores and links each to its records.

    Args:
        grid: The leaderboard.
        anchors: Record to its place in the page.
    """
    sections = []
    for section in grid.sections:
        rows = [
            [
                BoardEntry(entry, mark, tuple(anchors[record] for record in entry.records))
                for entry, mark in zip(row, row_marks, strict=True)
            ]
            for row, row_marks in zip(section.rows, marks(grid, section), strict=True)
        ]
        sections.append(BoardSection(section.title, rows))
    scores = [place for place, column in enumerate(grid.columns) if column.metric is not None]
    described = range(1, scores[0] if scores else len(grid.columns))
    return Board(grid, sections, [place for place in described if not grid.columns[place].title.startswith("params")])
