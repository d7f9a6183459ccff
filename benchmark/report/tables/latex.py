r"""Grids as LaTeX with booktabs: best bold, second underlined. Needs ``\usepackage{booktabs}``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchmark.report.tables.grid import Grid, GridEntry, Mark, marks

_MARKED = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\underline{{{}}}"}
_MINUS = re.compile(r"(?<![\w.}])-(?=\d)|(?<=\{\[\})-(?=\d)")  # of a number, not of a range or a name
_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "[": "{[}",  # after \\ a bracket would be an argument
    "]": "{]}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≥": r"$\geq$",
}


def to_latex(grid: Grid) -> str:
    """Writes a tabular, with the title above it and the notes below it as comments."""
    columns = "".join("r" if column.numeric else "l" for column in grid.columns)
    lines = [
        f"% {_comment(grid.title)}. Needs \\usepackage{{booktabs}}.",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
    ]
    lines.append(_line(_escape(column.heading) for column in grid.columns))
    for section in grid.sections:
        lines.append(r"\midrule")
        if section.title:
            lines.append(rf"\multicolumn{{{len(columns)}}}{{l}}{{\textit{{{_escape(section.title)}}}}} \\")
        for row, row_marks in zip(section.rows, marks(grid, section), strict=True):
            lines.append(_line(_entry(entry, mark) for entry, mark in zip(row, row_marks, strict=True)))
    lines += [r"\bottomrule", r"\end{tabular}", *(f"% {_comment(note)}" for note in grid.notes)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _entry(entry: GridEntry, mark: Mark) -> str:
    text = _MARKED[mark].format(_escape(entry.text)) if entry.text else ""
    return rf"{text} {{\scriptsize {_escape(entry.detail)}}}" if entry.detail else text


def _escape(text: str) -> str:
    escaped = "".join(_SPECIAL.get(character, character) for character in text.replace("\n", " "))
    return _MINUS.sub("$-$", escaped)


def _comment(text: str) -> str:
    return " ".join(text.split())
