"""Grids as Markdown: best bold, second underlined."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.report.tables.grid import Grid, GridEntry, Mark, marks

_MARKED = {"": "{}", "best": "**{}**", "second": "<u>{}</u>"}


def to_markdown(grid: Grid) -> str:
    """Writes one table per section, then the notes."""
    lines = [f"# {_escape(grid.title)}", ""]
    for section in grid.sections:
        if section.title:
            lines += [f"## {_escape(section.title)}", ""]
        lines.append(_line(_escape(column.heading) for column in grid.columns))
        lines.append(_line("--:" if column.numeric else ":--" for column in grid.columns))
        for row, row_marks in zip(section.rows, marks(grid, section), strict=True):
            lines.append(_line(_entry(entry, mark) for entry, mark in zip(row, row_marks, strict=True)))
        lines.append("")
    lines += [f"* {_escape(note)}" for note in grid.notes]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _entry(entry: GridEntry, mark: Mark) -> str:
    text = _MARKED[mark].format(_escape(entry.text)) if entry.text else ""
    return f"{text} <sub>{_escape(entry.detail)}</sub>" if entry.detail else text


def _escape(text: str) -> str:
    for character in "\\|*_<>[]`":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
