"""The leaderboard on a terminal."""

from __future__ import annotations

import sys

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmark.benchmarks import BENCHMARKS
from benchmark.report.leaderboard import Leaderboard

_FIRST = {"name": "name", "arch": "arch", "params_m": "params\nM"}
_LAST = {"protocol": "protocol", "seeds": "seeds"}
_LOG_WIDTH = 160  # where there is no terminal to ask


def print_leaderboard(board: Leaderboard, console: Console | None = None) -> None:
    """Prints the columns that hold something, with an arrow for the better direction, and what was left out."""
    console = console or Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    if board.table.empty:
        console.print("The leaderboard is empty: no successful run without --limit yet.")
    else:
        console.print(_table(board.table))
    for line in board.left_out:
        console.print(f"left out: {line}", markup=False, highlight=False, soft_wrap=True)


def _table(frame: pd.DataFrame) -> Table:
    scores = {
        known.column: f"{known.name}\n{known.metric} {'↑' if known.higher_is_better else '↓'}"
        for known in BENCHMARKS.values()
        if frame[known.column].notna().any()
    }
    titles = {**_FIRST, **scores, **_LAST}
    table = Table(title="Leaderboard")
    for column, title in titles.items():
        table.add_column(title, justify="right" if column in scores or column == "params_m" else "left")
    for _, row in frame.iterrows():
        table.add_row(*("" if pd.isna(row[column]) else escape(str(row[column])) for column in titles))
    return table
