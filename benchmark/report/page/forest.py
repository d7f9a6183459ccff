"""Differences to one model, on the same images, with their intervals: the values of a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmark.benchmarks import BENCHMARKS, Benchmark
from benchmark.errors import RecordError
from benchmark.report.compare_grid import bounds, signed
from benchmark.report.estimates import Estimate, Estimates
from benchmark.report.flags import FLOOR
from benchmark.report.page.axis import Axis, short
from benchmark.report.rows import Cell, Row

MOST = 16
"""Models of one plot; each costs a bootstrap when it is new."""


@dataclass(frozen=True)
class Difference:
    """One line of the plot; places are percents from the left, where right is better."""

    model: str
    text: str
    interval: str
    value: float
    """For sorting: larger is better."""

    at: float
    low: float | None
    high: float | None
    sure: bool
    """Whether the interval leaves zero out."""

    better: bool
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Plot:
    """One benchmark."""

    benchmark: Benchmark
    lines: list[Difference]
    zero: float
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Forest:
    """All benchmarks under one protocol."""

    label: str
    baseline: str
    plots: list[Plot]
    notes: list[str]


def make_forests(rows: Sequence[Row], estimates: Estimates, anchors: Mapping[str, str]) -> list[Forest]:
    """Compares the models of each label with its baseline."""
    forests = []
    for label, group in groupby(rows, key=lambda row: row.label):
        own = list(group)
        notes: list[str] = []
        baseline = choose_baseline(own)
        others = [row for row in own if row is not baseline]
        if len(others) > MOST:
            notes.append(f"The newest {MOST} of {len(others)} models are shown; densebench compare A B has any pair.")
            others = sorted(others, key=_newest)[-MOST:]
        plots = [_plot(name, others, baseline, estimates, anchors=anchors, notes=notes) for name in BENCHMARKS]
        if any(plots):
            forests.append(Forest(label, baseline.model.name, [plot for plot in plots if plot], notes))
    estimates.save()
    return forests


def choose_baseline(rows: Sequence[Row]) -> Row:
    """Returns the model that ran first and is neither the floor nor specialised; the floor if it has one rival only."""
    real = [row for row in rows if row.model.checkpoint != FLOOR]
    if len(real) < 2:
        return next((row for row in rows if row.model.checkpoint == FLOOR), rows[0])
    plain = [row for row in real if row.model.specialization == "none"]
    return min(plain or real, key=_oldest)


def _oldest(row: Row) -> tuple[str, str]:
    return min((record.created, record.id) for cell in row.cells.values() for record in cell.records)


def _newest(row: Row) -> tuple[str, str]:
    return max((record.created, record.id) for cell in row.cells.values() for record in cell.records)


def _plot(
    name: str,
    rows: Sequence[Row],
    baseline: Row,
    estimates: Estimates,
    *,
    anchors: Mapping[str, str],
    notes: list[str],
) -> Plot | None:
    if name not in baseline.cells:
        return None
    found = []
    for row in rows:
        if name in row.cells:
            estimate = _difference(baseline.cells[name], row.cells[name], row.model.name, estimates, notes)
            if estimate is not None:
                found.append((row, estimate))
    if not found:
        return None
    known = BENCHMARKS[name]
    ends = [0.0] + [value for _, estimate in found for value in _ends(estimate)]
    axis = Axis.around(ends, reversed=not known.higher_is_better)
    lines = [_line(row, estimate, known, axis, anchors) for row, estimate in found]
    ticks = [(axis.place(tick), short(tick)) for tick in axis.ticks()]
    return Plot(known, sorted(lines, key=lambda line: -line.value), axis.place(0), ticks)


def _difference(baseline: Cell, cell: Cell, model: str, estimates: Estimates, notes: list[str]) -> Estimate | None:
    ours, theirs = ({record.seed: record for record in each.records} for each in (cell, baseline))
    seeds = sorted(ours.keys() & theirs.keys())
    if not seeds:
        notes.append(f"{model}, {cell.benchmark}: no seed in common with the baseline")
        return None
    try:
        found = estimates.delta([([theirs[seed] for seed in seeds], [ours[seed] for seed in seeds])])
    except RecordError as error:
        notes.append(f"{model}, {cell.benchmark}: {error}")
        return None
    if found is None:
        notes.append(f"{model}, {cell.benchmark}: no per-image statistics, so no difference")
    return found


def _ends(estimate: Estimate) -> list[float]:
    interval = estimate.interval
    return [estimate.value] if interval is None else [estimate.value, interval.low, interval.high]


def _line(row: Row, estimate: Estimate, known: Benchmark, axis: Axis, anchors: Mapping[str, str]) -> Difference:
    interval = estimate.interval
    low, high = sorted((axis.place(interval.low), axis.place(interval.high))) if interval else (None, None)
    return Difference(
        model=row.model.name,
        text=signed(known.column, estimate.value).replace("-", "\N{MINUS SIGN}"),
        interval=bounds(known.column, interval).replace("-", "\N{MINUS SIGN}"),
        value=estimate.value if known.higher_is_better else -estimate.value,
        at=axis.place(estimate.value),
        low=low,
        high=high,
        sure=interval is not None and not interval.low <= 0 <= interval.high,
        better=(estimate.value > 0) == known.higher_is_better,
        runs=tuple(anchors[record.id] for record in row.cells[known.name].records),
    )
