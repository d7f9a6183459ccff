"""The leaderboard as a person reads it: the columns that hold something, one section per protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

import pandas as pd

from benchmark.benchmarks import BENCHMARKS
from benchmark.records.schema import Record
from benchmark.report.flags import FLOOR
from benchmark.report.grid import Better, Column, Entry, Grid, Section
from benchmark.report.leaderboard import AVERAGES, Leaderboard, averages, fixed, is_lower_better
from benchmark.report.published import Published
from benchmark.report.resolution import tokens_text
from benchmark.report.rows import Row

METRICS = {"miou": "mIoU", "rmse": "RMSE", "top1": "top-1"}
"""Metrics as a person writes them."""

_TITLES = {"avg_seg_miou": "avg seg\nmIoU %", "avg_depth_rmse": "avg depth\nRMSE m"}
_INTERVALS = "Small: 95 % interval over images (BCa bootstrap; Wilson for one accuracy). Seeds are no part of it."


def leaderboard_grid(board: Leaderboard, published: Sequence[Published] = ()) -> Grid:
    """Lays a leaderboard out.

    Args:
        board: Rows in the order to show them in; sections keep the order in which labels come first.
        published: Figures that may stand beside ours, each in the section of its label.
    """
    shown = _models(board)
    scores = [known for known in BENCHMARKS.values() if any(known.name in row.cells for row in board.rows)]
    means = [average for average in AVERAGES if any(average in averages(row) for row in board.rows)]
    seeds = bool(board.table["seeds"].ne("1").any())
    columns = [Column(title, numeric=title in {"params\nM", "added\n%"}) for title in shown.columns]
    columns += [
        Column(f"{known.name}\n{METRICS[known.metric]} {known.unit}", _better(known.column), numeric=True)
        for known in scores
    ]
    columns += [Column(_TITLES[average], _better(average), numeric=True) for average in means]
    columns += [Column("seeds", numeric=True)] if seeds else []

    def line(position: int) -> list[Entry]:
        row = board.rows[position]
        numbers = [_score(row, known.name, known.column) for known in scores]
        numbers += [Entry(fixed(each, averages(row)[each])) if each in averages(row) else Entry() for each in means]
        last = [Entry(str(board.table["seeds"][position]))] if seeds else []
        return [*(Entry(text) for text in shown.iloc[position]), *numbers, *last]

    positions = sorted(range(len(board.rows)), key=lambda position: _first(board, board.rows[position].label))
    sections = []
    for label, group in groupby(positions, key=lambda position: board.rows[position].label):
        lines = [line(position) for position in group]
        for model in dict.fromkeys(each.model for each in published if each.label == label):
            found = {each.benchmark: each for each in published if each.label == label and each.model == model}
            numbers = [
                Entry(fixed(known.column, found[known.name].value), _published(found[known.name]), ranked=False)
                if known.name in found
                else Entry()
                for known in scores
            ]
            names = [Entry(model), *(Entry() for _ in shown.columns[1:])]
            lines.append([*names, *numbers, *(Entry() for _ in [*means, *(["seeds"] if seeds else [])])])
        sections.append(Section(f"protocol {label}", lines))
    return Grid("Leaderboard", columns, sections, [*_notes(board)])


def _published(figure: Published) -> str:
    return "published" if figure.tokens is None else f"published, {figure.tokens:,} tokens"


def _models(board: Leaderboard) -> pd.DataFrame:
    """Describes the models with the columns in which some differ from an ordinary ViT."""
    table = board.table
    columns = {"name": table["name"], "arch": table["arch"]}
    if table["registers"].ne(0).any():
        columns["regis-\nters"] = table["registers"]
    if table["attention_bias"].ne("no").any():
        columns["attn\nbias"] = table["attention_bias"]
    if table["specialization"].ne("none").any():
        columns["specialisation"] = table["specialization"]
        columns["added\n%"] = table["overhead_pct"].fillna("")
    return pd.DataFrame({**columns, "params\nM": table["params_m"]}).astype(str)


def _score(row: Row, benchmark: str, column: str) -> Entry:
    cell = row.cells.get(benchmark)
    if cell is None:
        return Entry()
    interval = cell.interval
    detail = "" if interval is None else f"[{fixed(column, interval.low)}, {fixed(column, interval.high)}]"
    return Entry(fixed(column, cell.value), detail, ranked=row.model.checkpoint != FLOOR)


def _notes(board: Leaderboard) -> list[str]:
    notes = []
    if any(cell.interval for row in board.rows for cell in row.cells.values()):
        notes.append(_INTERVALS)
    notes += _tokens(board)
    for row in board.rows:
        for cell in row.cells.values():
            if cell.seed_std is not None:
                column = BENCHMARKS[cell.benchmark].column
                values = ", ".join(fixed(column, record.primary.value) for record in cell.records)
                notes.append(
                    f"seeds: {row.model.name}, {cell.benchmark}, {row.label}: standard deviation "
                    f"{fixed(column, cell.seed_std)} over {len(cell.records)} seeds ({values})"
                )
    return notes


def _tokens(board: Leaderboard) -> list[str]:
    """Lists the patch tokens an image on one line, by protocol and benchmark."""
    found: defaultdict[str, defaultdict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for row in board.rows:
        for cell in row.cells.values():
            found[row.label][cell.benchmark] += cell.records
    texts = [
        f"{label}: " + ", ".join(f"{name} {tokens_text(records)}" for name, records in cells.items())
        for label, cells in found.items()
        if any(tokens_text(records) for records in cells.values())
    ]
    return [f"Patch tokens an image: {'; '.join(texts)}."] if texts else []


def _first(board: Leaderboard, label: str) -> int:
    return next(position for position, row in enumerate(board.rows) if row.label == label)


def _better(column: str) -> Better:
    return "lower" if is_lower_better(column) else "higher"
