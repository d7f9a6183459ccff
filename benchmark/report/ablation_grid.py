"""An ablation table as a person reads it, and as CSV; the published rows stand below ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from benchmark.records.schema import Record
from benchmark.report.ablation import Ablation, AblationCell, AblationGroup
from benchmark.report.ablation_config import COLUMN_OF, ColumnSpec
from benchmark.report.ablation_published import published_rows
from benchmark.report.compare_grid import bounds, signed
from benchmark.report.grid import Better, Column, Entry, Grid, Section
from benchmark.report.leaderboard import fixed, is_lower_better
from benchmark.report.published import Figure
from benchmark.report.resolution import tokens_text


def ablation_grid(table: Ablation, figures: Sequence[Figure]) -> Grid:
    """Lays a table out.

    Args:
        table: The table.
        figures: Published figures.
    """
    config = table.config
    columns = [Column(""), Column("model")]
    columns += [Column(column.name, _better(column), numeric=True) for column in config.columns]
    sections, cited, left_out = [], False, []
    for group in table.groups:
        lines = _lines(config.columns, group)
        rows, reasons = published_rows(table, group, figures)
        left_out += reasons
        for name, found in rows.items():
            cited = True
            lines.append([Entry(name), Entry(_whose(found)), *_published(config.columns, found)])
        sections.append(Section(group.spec.name, lines))
    title = f"{config.title}; protocol {table.label}" if table.label else f"{config.title}; no record fits a row yet"
    notes = ["Small: difference to the baseline with its 95 % interval, BCa bootstrap over the same images."]
    if table.trainings is not None:
        sections.append(Section(table.trainings.spec.name, _lines(config.columns, table.trainings)))
        notes[0] = (
            f"Small: difference to the baseline and its 95 % interval. Under {table.trainings.spec.name!r}, means over "
            "the groups: differences paired within groups, Student's intervals over trainings for where the mean over "
            "many trainings lies, on these images. Elsewhere: BCa bootstrap over the same images."
        )
    if cited:
        notes.append(
            "Published rows: configs/published.csv has the sources. ≈: read off a figure or inferred; in brackets: "
            "second-hand. Their protocol is not stated in every field, so they say what to expect and are not compared."
        )
    notes += [*_tokens(table), *dict.fromkeys(left_out), *table.notes]
    notes += [f"missing: {line}" for line in table.missing]
    return Grid(title, columns, sections, notes)


def ablation_table(table: Ablation, figures: Sequence[Figure]) -> pd.DataFrame:
    """Lays a table out with one column per number."""
    lines = []
    for group in table.groups:
        lines += _own_numbers(table, group, "images")
        for name, found in published_rows(table, group, figures)[0].items():
            line = {"source": group.spec.published.protocol, "group": group.spec.name, "row": name}
            lines.append(line | {key: _fixed(_column_of(table, key), each.value) for key, each in found.items()})
    if table.trainings is not None:
        lines += _own_numbers(table, table.trainings, "trainings")
    columns = ["source", "group", "row", "model", "checkpoint_sha256", "ci95_over"]
    for column in table.config.columns:
        columns += [column.name] if column.field else [column.name, f"{column.name} delta", f"{column.name} delta ci95"]
    return pd.DataFrame(lines, columns=columns)


def _tokens(table: Ablation) -> list[str]:
    """Lists the patch tokens an image by benchmark, on one line."""
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for group in table.groups:
        for row in group.rows:
            for cell in row.row.cells.values() if row.row is not None else ():
                found[cell.benchmark] += cell.records
    wanted = dict.fromkeys(benchmark for column in table.config.columns for benchmark in column.mean)
    texts = [f"{name} {text}" for name in wanted if (text := tokens_text(found[name]))]
    return [f"Patch tokens an image: {', '.join(texts)}."] if texts else []


def _lines(columns: Sequence[ColumnSpec], group: AblationGroup) -> list[list[Entry]]:
    lines = []
    for row in group.rows:
        entries = [_entry(column, cell) for column, cell in zip(columns, row.cells, strict=True)]
        lines.append([Entry(row.spec.name), Entry(row.model or "missing"), *entries])
    return lines


def _entry(column: ColumnSpec, cell: AblationCell) -> Entry:
    if cell.value is None:
        return Entry()
    if cell.delta is None:
        return Entry(_fixed(column, cell.value))
    name = _score(column)
    return Entry(
        _fixed(column, cell.value), f"{signed(name, cell.delta.value)} {bounds(name, cell.delta.interval)}".strip()
    )


def _whose(found: dict[str, Figure]) -> str:
    """Names the models of a published row, and what their source does not say of them."""
    names = list(dict.fromkeys(f"{each.model} ViT-{each.size}" for each in found.values()))
    unsaid = [word for word in ("patch", "registers") if not all(getattr(each, word) for each in found.values())]
    return f"{' and '.join(names)}, published" + (f" ({' and '.join(unsaid)} not said)" if unsaid else "")


def _published(columns: Sequence[ColumnSpec], found: dict[str, Figure]) -> list[Entry]:
    """Marks numbers that are not printed."""
    forms = {"printed": "{}", "second-hand": "({})"}
    figures = [found.get(column.name) for column in columns]
    return [
        Entry()
        if each is None
        else Entry(forms.get(each.trust, "≈{}").format(_fixed(column, each.value)), ranked=False)
        for column, each in zip(columns, figures, strict=True)
    ]


def _own_numbers(table: Ablation, group: AblationGroup, over: str) -> list[dict[str, str | None]]:
    lines = []
    for row in group.rows:
        line = {"source": "ours", "group": group.spec.name, "row": row.spec.name, "model": row.model, "ci95_over": over}
        line["checkpoint_sha256"] = row.row.model.checkpoint_sha256 if row.row else None
        for column, cell in zip(table.config.columns, row.cells, strict=True):
            line |= _numbers(column, cell)
        lines.append(line)
    return lines


def _numbers(column: ColumnSpec, cell: AblationCell) -> dict[str, str]:
    if cell.value is None:
        return {}
    line = {column.name: _fixed(column, cell.value)}
    if cell.delta is not None:
        name = _score(column)
        line[f"{column.name} delta"] = signed(name, cell.delta.value)
        line[f"{column.name} delta ci95"] = bounds(name, cell.delta.interval)
    return line


def _column_of(table: Ablation, name: str) -> ColumnSpec:
    return next(column for column in table.config.columns if column.name == name)


def _fixed(column: ColumnSpec, value: float) -> str:
    return fixed(_score(column), value)


def _score(column: ColumnSpec) -> str:
    """Returns a column of the leaderboard with the same unit, or nothing of a field."""
    return COLUMN_OF[column.mean[0]] if column.mean else ""


def _better(column: ColumnSpec) -> Better | None:
    if not column.mean:
        return None
    return "lower" if is_lower_better(_score(column)) else "higher"
