"""Writes the files of a report atomically; the same records give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.atomic import atomic_write
from benchmark.benchmarks import averages
from benchmark.records.schema import Record
from benchmark.report.flags import Flag, find_flags
from benchmark.report.rows import Row, Score
from benchmark.report.statistics.estimates import Estimates
from benchmark.report.tables.grid import Grid
from benchmark.report.tables.latex import to_latex
from benchmark.report.tables.leaderboard import Leaderboard, average_of, long_form, make_leaderboard
from benchmark.report.tables.leaderboard_grid import leaderboard_grid
from benchmark.report.tables.markdown import to_markdown
from benchmark.utf8 import printable

_DIGITS = 6


def write_leaderboard(
    records: Sequence[Record],
    results: Path,
    estimates: Estimates | None = None,
    unverified: frozenset[str] = frozenset(),
) -> Leaderboard:
    """Writes ``leaderboard.csv``, ``.md``, ``.tex`` and ``.json`` and the long form ``runs.csv``; returns the table."""
    board = make_leaderboard(records, estimates)
    if estimates is not None:
        estimates.save()
    results.mkdir(parents=True, exist_ok=True)
    grid = leaderboard_grid(board)
    write_text(results / "leaderboard.csv", to_csv(board.table))
    write_text(results / "leaderboard.md", to_markdown(grid))
    write_text(results / "leaderboard.tex", to_latex(grid))
    write_text(results / "leaderboard.json", to_json(board, board_flags(board, records, unverified)))
    write_text(results / "runs.csv", to_csv(long_form(records)))
    return board


def write_grid(grid: Grid, table: pd.DataFrame, stem: Path) -> None:
    """Writes a table as ``<stem>.csv``, ``.md`` and ``.tex``."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_text(stem.with_suffix(".csv"), to_csv(table))
    write_text(stem.with_suffix(".md"), to_markdown(grid))
    write_text(stem.with_suffix(".tex"), to_latex(grid))


def write_text(path: Path, text: str) -> None:
    """Writes a text file; names that are not UTF-8 are escaped."""
    with atomic_write(path) as file:
        file.write(printable(text).encode())


def to_csv(table: pd.DataFrame) -> str:
    """Writes a table as CSV, missing cells empty."""
    return table.to_csv(index=False, lineterminator="\n")


def to_json(board: Leaderboard, flags: Sequence[Flag]) -> str:
    """Writes rows with intervals, seeds and records, what was left out, and the flags."""
    content = {
        "rows": [_row(row) for row in board.rows],
        "left_out": board.left_out,
        "flags": [
            {"kind": flag.kind, "benchmark": flag.benchmark, "text": flag.text, "records": list(flag.records)}
            for flag in flags
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def board_flags(board: Leaderboard, records: Sequence[Record], unverified: frozenset[str] = frozenset()) -> list[Flag]:
    """Finds the flags of the records a leaderboard shows, and of smoke tests beside it."""
    shown = {record.id: record for row in board.rows for score in row.scores.values() for record in score.records}
    limited = [record for record in records if record.limit is not None]
    return find_flags([*shown.values(), *limited], unverified)


def _row(row: Row) -> dict[str, Any]:
    model = row.model
    return {
        "name": model.name,
        "arch": model.arch,
        "patch_size": model.patch_size,
        "registers": model.num_registers,
        "attention_bias": model.attention_bias,
        "specialization": model.specialization,
        "params": model.params,
        "overhead_pct": model.overhead_pct,
        "gflops": model.gflops,
        "protocol": row.label,
        "checkpoint_sha256": model.checkpoint_sha256,
        "scores": {score.benchmark.column: _score(score) for score in row.scores.values()},
        "averages": {
            average.name: round(value, _DIGITS)
            for average in averages()
            if (value := average_of(row, average)) is not None
        },
    }


def _score(score: Score) -> dict[str, Any]:
    interval = score.interval
    return {
        "value": round(score.value, _DIGITS),
        "ci95": None if interval is None else [round(interval.low, _DIGITS), round(interval.high, _DIGITS)],
        "ci95_method": None if interval is None else interval.method,
        "seed_std": None if score.seed_std is None else round(score.seed_std, _DIGITS),
        "seeds": [record.seed for record in score.records],
        "records": [record.id for record in score.records],
    }
