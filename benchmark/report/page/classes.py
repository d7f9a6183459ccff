"""IoU of each class, model beside model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benchmark.benchmarks import BENCHMARKS
from benchmark.data.class_names import class_name
from benchmark.report.flags import FLOOR
from benchmark.report.rows import Cell, Row

MOST_MODELS = 6
MOST_TABLES = 12


@dataclass(frozen=True)
class ClassTable:
    """One benchmark under one protocol."""

    label: str
    benchmark: str
    models: list[str]
    runs: list[tuple[str, ...]]
    """Anchors of the records of each model."""

    classes: list[tuple[str, list[float | None]]]
    """Name, and percent by model."""

    left_out: int
    """Models that are not shown."""


def make_classes(rows: Sequence[Row], anchors: Mapping[str, str]) -> list[ClassTable]:
    """Lays out what occurs in any of the models shown, best first."""
    tables = []
    for label, group in groupby(rows, key=lambda row: row.label):
        own = list(group)
        for name, known in BENCHMARKS.items():
            having = [row for row in own if known.metric == "miou" and name in row.cells]
            shown = leading(having, name)
            if shown:
                tables.append(_table(label, name, shown, len(having) - len(shown), anchors))
    return sorted(tables, key=lambda table: -len(table.models))[:MOST_TABLES]


def leading(rows: Sequence[Row], benchmark: str, most: int = MOST_MODELS) -> list[Row]:
    """Returns the best models, the floor among them, best first."""
    sign = -1 if BENCHMARKS[benchmark].higher_is_better else 1
    ordered = sorted(rows, key=lambda row: sign * row.cells[benchmark].value)
    if len(ordered) <= most:
        return ordered
    floor = [row for row in ordered if row.model.checkpoint == FLOOR][:1]
    return [row for row in ordered if row not in floor][: most - len(floor)] + floor


def _table(label: str, name: str, rows: Sequence[Row], left_out: int, anchors: Mapping[str, str]) -> ClassTable:
    columns = [_per_class(row.cells[name]) for row in rows]
    numbers = sorted({number for column in columns for number in column})
    dataset = BENCHMARKS[name].dataset
    lines = [(class_name(dataset, number), [column.get(number) for column in columns]) for number in numbers]
    lines.sort(key=lambda line: -max(value for value in line[1] if value is not None))
    return ClassTable(
        label=label,
        benchmark=name,
        models=[row.model.name for row in rows],
        runs=[tuple(anchors[record.id] for record in row.cells[name].records) for row in rows],
        classes=lines,
        left_out=left_out,
    )


def _per_class(cell: Cell) -> dict[int, float]:
    """Averages the classes that every seed has a score of."""
    each = [(record.metrics or {}).get("per_class_iou") or [] for record in cell.records]
    found = {}
    for number, values in enumerate(zip(*each, strict=False)):
        if all(value is not None for value in values):
            found[number] = float(np.mean(values))
    return found
