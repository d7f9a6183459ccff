"""Grids on a terminal: best bold, second underlined, intervals small below."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.report.tables.grid import Grid, GridEntry, Mark, marks

_LOG_WIDTH = 160  # where there is no terminal to ask
_STYLES = {"": "", "best": "bold", "second": "underline"}


def make_console() -> Console:
    """Makes a console as wide as the terminal, or as a log may be."""
    return Console(width=None if sys.stdout.isatty() else _LOG_WIDTH, highlight=False)


def print_grid(grid: Grid, console: Console | None = None) -> None:
    """Prints a table with its notes."""
    console = console or make_console()
    table = Table(title=Text(grid.title, "bold"), title_justify="left", show_lines=False)
    for column in grid.columns:
        table.add_column(Text(column.heading), justify="right" if column.numeric else "left", overflow="fold")
    for section in grid.sections:
        if section.title:
            table.add_section()
            table.add_row(Text(section.title, "italic"), *("" for _ in grid.columns[1:]))
        for row, row_marks in zip(section.rows, marks(grid, section), strict=True):
            table.add_row(*(_entry(entry, mark) for entry, mark in zip(row, row_marks, strict=True)))
    console.print(table)
    print_lines(grid.notes, console)


def print_lines(lines: Iterable[str], console: Console) -> None:
    """Prints lines as they are."""
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _entry(entry: GridEntry, mark: Mark) -> Text:
    text = Text(entry.text, _STYLES[mark])
    return text.append(f"\n{entry.detail}", "dim not bold not underline") if entry.detail else text
