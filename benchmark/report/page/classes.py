"""IoU of each class, model beside model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benchmark.benchmarks import Benchmark
from benchmark.report.flags import PIXEL_BASELINE
from benchmark.report.rows import Row, Score, benchmarks_of

MOST_MODELS = 6
MOST_TABLES = 12


@dataclass(frozen=True)
class ClassTable:
    """One benchmark under one protocol."""

    label: str
    benchmark: str
    models: list[str]
    classes: list[tuple[str, list[float | None]]]
    """Name, and percent by model."""

    left_out: int
    """Models that are not shown."""


def make_classes(rows: Sequence[Row]) -> list[ClassTable]:
    """Lists the classes that any of the models shown has a score of, best first."""
    tables = []
    for label, group in groupby(rows, key=lambda row: row.label):
        same_label = list(group)
        for benchmark in benchmarks_of(same_label).values():
            having = [
                row for row in same_label if benchmark.name in row.scores and _per_class(row.scores[benchmark.name])
            ]
            shown = leading(having, benchmark)
            if shown:
                tables.append(_table(label, benchmark, shown, len(having) - len(shown)))
    return sorted(tables, key=lambda table: -len(table.models))[:MOST_TABLES]


def leading(rows: Sequence[Row], benchmark: Benchmark, most: int = MOST_MODELS) -> list[Row]:
    """Returns the best models, best first; the pixel baseline is always among them."""
    ordered = sorted(rows, key=lambda row: -benchmark.metric.sign * row.scores[benchmark.name].value)
    if len(ordered) <= most:
        return ordered
    baseline = [row for row in ordered if row.model.checkpoint == PIXEL_BASELINE][:1]
    return [row for row in ordered if row not in baseline][: most - len(baseline)] + baseline


def _table(label: str, benchmark: Benchmark, rows: Sequence[Row], left_out: int) -> ClassTable:
    name = benchmark.name
    columns = [_per_class(row.scores[name]) for row in rows]
    numbers = sorted({number for column in columns for number in column})
    lines = [(benchmark.dataset.class_name(number), [column.get(number) for column in columns]) for number in numbers]
    lines.sort(key=lambda line: -max(value for value in line[1] if value is not None))
    return ClassTable(
        label=label,
        benchmark=name,
        models=[row.model.name for row in rows],
        classes=lines,
        left_out=left_out,
    )


def _per_class(score: Score) -> dict[int, float]:
    """Averages the classes that every seed has a score of."""
    by_seed = [(record.metrics or {}).get("per_class_iou") or [] for record in score.records]
    means = {}
    for number, values in enumerate(zip(*by_seed, strict=False)):
        if all(value is not None for value in values):
            means[number] = float(np.mean(values))
    return means
