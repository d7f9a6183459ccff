"""An ablation table as a person reads it, and as CSV; published rows below measured ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from benchmark.records.schema import Record
from benchmark.report.patch_tokens import tokens_text
from benchmark.report.published import Figure
from benchmark.report.tables.ablation import Ablation, AblationEntry, AblationGroup
from benchmark.report.tables.ablation_config import ColumnSpec
from benchmark.report.tables.ablation_published import published_rows
from benchmark.report.tables.compare_grid import bounds
from benchmark.report.tables.grid import Column, Grid, GridEntry, GridSection


def ablation_grid(table: Ablation, figures: Sequence[Figure]) -> Grid:
    """Lays a table out.

    Args:
        table: The table.
        figures: Published figures.
    """
    config = table.config
    columns = [Column(""), Column("model")]
    columns += [Column(column.name, table.metric(column), numeric=True) for column in config.columns]
    sections, cited, left_out = [], False, []
    for group in table.groups:
        lines = _lines(table, group)
        rows, reasons = published_rows(table, group, figures)
        left_out += reasons
        for name, by_column in rows.items():
            cited = True
            lines.append([GridEntry(name), GridEntry(_whose(by_column)), *_published(table, by_column)])
        sections.append(GridSection(group.spec.name, lines))
    title = f"{config.title}; protocol {table.label}" if table.label else f"{config.title}; no record fits a row yet"
    notes = ["Small: difference to the baseline with its 95 % interval, BCa bootstrap over the same images."]
    if table.trainings is not None:
        sections.append(GridSection(table.trainings.spec.name, _lines(table, table.trainings)))
        notes[0] = (
            f"Small: difference to the baseline and its 95 % interval. Under {table.trainings.spec.name!r}, means over "
            "the groups: differences paired within groups, Student's intervals for the mean over trainings, on "
            "these images. Elsewhere: BCa bootstrap over the same images."
        )
    if cited:
        notes.append(
            "Published rows: configs/published.csv has the sources. ≈: read off a figure or inferred; in brackets: "
            "second-hand. Their protocol is not stated in every field, so they are an indication and are not compared."
        )
    notes += [*_tokens(table), *dict.fromkeys(left_out), *table.notes]
    notes += [f"missing: {line}" for line in table.missing]
    return Grid(title, columns, sections, notes)


def ablation_table(table: Ablation, figures: Sequence[Figure]) -> pd.DataFrame:
    """Lays a table out with one column per number."""
    lines = []
    for group in table.groups:
        lines += _own_numbers(table, group, "images")
        for name, by_column in published_rows(table, group, figures)[0].items():
            line = {"source": group.spec.published.protocol, "group": group.spec.name, "row": name}
            lines.append(
                line | {key: _fixed(table, _column_of(table, key), each.value) for key, each in by_column.items()}
            )
    if table.trainings is not None:
        lines += _own_numbers(table, table.trainings, "trainings")
    columns = ["source", "group", "row", "model", "checkpoint_sha256", "ci95_over"]
    for column in table.config.columns:
        columns += [column.name] if column.field else [column.name, f"{column.name} delta", f"{column.name} delta ci95"]
    return pd.DataFrame(lines, columns=columns)


def _tokens(table: Ablation) -> list[str]:
    """Lists the patch tokens per image by benchmark, on one line."""
    by_benchmark: defaultdict[str, list[Record]] = defaultdict(list)
    for group in table.groups:
        for row in group.rows:
            for name, score in row.row.scores.items() if row.row is not None else ():
                by_benchmark[name] += score.records
    wanted = dict.fromkeys(benchmark for column in table.config.columns for benchmark in column.mean)
    texts = [f"{name} {text}" for name in wanted if (text := tokens_text(by_benchmark[name]))]
    return [f"Patch tokens per image: {', '.join(texts)}."] if texts else []


def _lines(table: Ablation, group: AblationGroup) -> list[list[GridEntry]]:
    lines = []
    for row in group.rows:
        pairs = zip(table.config.columns, row.entries, strict=True)
        entries = [_grid_entry(table, column, entry) for column, entry in pairs]
        lines.append([GridEntry(row.spec.name), GridEntry(row.model or "missing"), *entries])
    return lines


def _grid_entry(table: Ablation, column: ColumnSpec, entry: AblationEntry) -> GridEntry:
    metric = table.metric(column)
    if entry.value is None:
        return GridEntry()
    if metric is None:
        return GridEntry(_fixed(table, column, entry.value), value=entry.value)
    delta = entry.delta
    detail = "" if delta is None else f"{metric.signed(delta.value)} {bounds(metric, delta.interval)}".strip()
    return GridEntry.of(metric, entry.value, detail)


def _whose(by_column: dict[str, Figure]) -> str:
    """Names the models of a published row, and what their source does not state about them."""
    names = list(dict.fromkeys(f"{each.model} ViT-{each.size}" for each in by_column.values()))
    unsaid = [word for word in ("patch", "registers") if not all(getattr(each, word) for each in by_column.values())]
    return f"{' and '.join(names)}, published" + (f" ({' and '.join(unsaid)} not stated)" if unsaid else "")


def _published(table: Ablation, by_column: dict[str, Figure]) -> list[GridEntry]:
    """Marks numbers that are not printed."""
    forms = {"printed": "{}", "second-hand": "({})"}
    figures = [by_column.get(column.name) for column in table.config.columns]
    return [
        GridEntry()
        if each is None
        else GridEntry(forms.get(each.trust, "≈{}").format(_fixed(table, column, each.value)))
        for column, each in zip(table.config.columns, figures, strict=True)
    ]


def _own_numbers(table: Ablation, group: AblationGroup, over: str) -> list[dict[str, str | None]]:
    lines = []
    for row in group.rows:
        line = {"source": "ours", "group": group.spec.name, "row": row.spec.name, "model": row.model, "ci95_over": over}
        line["checkpoint_sha256"] = row.row.model.checkpoint_sha256 if row.row else None
        for column, entry in zip(table.config.columns, row.entries, strict=True):
            line |= _numbers(table, column, entry)
        lines.append(line)
    return lines


def _numbers(table: Ablation, column: ColumnSpec, entry: AblationEntry) -> dict[str, str]:
    if entry.value is None:
        return {}
    line, metric = {column.name: _fixed(table, column, entry.value)}, table.metric(column)
    if entry.delta is not None and metric is not None:
        line[f"{column.name} delta"] = metric.signed(entry.delta.value)
        line[f"{column.name} delta ci95"] = bounds(metric, entry.delta.interval)
    return line


def _column_of(table: Ablation, name: str) -> ColumnSpec:
    return next(column for column in table.config.columns if column.name == name)


def _fixed(table: Ablation, column: ColumnSpec, value: float) -> str:
    """Writes a score as its metric is written, a field of the model with two decimals."""
    metric = table.metric(column)
    return f"{value:.2f}" if metric is None else metric.text(value)
