"""The leaderboard with the records behind each number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.benchmarks import BENCHMARKS
from benchmark.report.grid import Entry, Grid, Mark, marks
from benchmark.report.leaderboard import Leaderboard
from benchmark.report.leaderboard_grid import leaderboard_grid
from benchmark.report.rows import Row


@dataclass(frozen=True)
class BoardCell:
    """One cell."""

    entry: Entry
    mark: Mark
    value: float | None
    """What it is sorted by; None sorts by the text."""

    runs: tuple[str, ...] = ()
    """Anchors of the records it was made of."""


@dataclass(frozen=True)
class BoardSection:
    """Rows under one protocol."""

    label: str
    rows: list[list[BoardCell]]


@dataclass(frozen=True)
class Board:
    """The leaderboard."""

    grid: Grid
    sections: list[BoardSection]
    about: list[int]
    """Places of the columns that describe a model; narrow screens show them below its name."""


def make_board(leaderboard: Leaderboard, anchors: Mapping[str, str]) -> Board:
    """Lays a leaderboard out.

    Args:
        leaderboard: Rows and numbers.
        anchors: Record to its place in the page.
    """
    grid = leaderboard_grid(leaderboard)
    titles = [column.title.partition("\n")[0] for column in grid.columns]
    labels = list(dict.fromkeys(row.label for row in leaderboard.rows))
    sections = []
    for label, section in zip(labels, grid.sections, strict=True):
        own = [row for row in leaderboard.rows if row.label == label]
        lines = []
        for row, entries, row_marks in zip(own, section.rows, marks(grid, section), strict=True):
            cells = zip(titles, entries, row_marks, strict=True)
            lines.append([_cell(row, title, entry, mark, anchors) for title, entry, mark in cells])
        sections.append(BoardSection(label, lines))
    scores = [place for place, column in enumerate(grid.columns) if column.better is not None]
    described = range(1, scores[0] if scores else len(titles))
    return Board(grid, sections, [place for place in described if titles[place] != "params"])


def _cell(row: Row, title: str, entry: Entry, mark: Mark, anchors: Mapping[str, str]) -> BoardCell:
    cell = row.cells.get(title) if title in BENCHMARKS else None
    runs = tuple(anchors[record.id] for record in cell.records) if cell else ()
    return BoardCell(entry, mark, cell.value if cell else number(entry.text), runs)


def number(text: str) -> float | None:
    """Reads a printed number, None where there is none."""
    try:
        return float(text)
    except ValueError:
        return None
