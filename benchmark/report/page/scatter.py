"""Quality against cost, and which models no other beats at the same cost or less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.benchmarks import Benchmark
from benchmark.report.flags import PIXEL_BASELINE
from benchmark.report.page.axis import Axis, short
from benchmark.report.rows import Row, Score, benchmarks_of

WIDTH, HEIGHT = 360, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 26, 42
MOST_LABELS = 3
"""Protocols with plots; the others are seldom more than single overrides."""

FRAME = (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)
"""Left, top, right and bottom of the plotted area."""

_MOST_NAMES = 10
_CHARACTER = 6.2  # pixels of a letter of 11 px, on average
_LINE = 12.0
_LONGEST_NAME = 26
_LOGARITHMIC_FROM = 4.0  # ratio of the largest to the smallest cost


@dataclass(frozen=True)
class Tick:
    """A number on an axis, pixels."""

    at: float
    text: str


@dataclass(frozen=True)
class Point:
    """One model, pixels."""

    model: str
    x: float
    y: float
    low: float | None
    high: float | None
    best: bool
    """Whether no model scores better at no more cost."""

    said: str
    """Both numbers in words."""

    run: str
    name: str
    """Written beside it; empty where there are too many."""

    name_x: float
    name_y: float
    name_anchor: str


@dataclass(frozen=True)
class Scatter:
    """One cost."""

    cost: str
    less_is_better: bool
    points: list[Point]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    baseline: float | None
    """Height of the pixel baseline, pixels."""


@dataclass(frozen=True)
class CostSet:
    """All costs of one benchmark under one protocol."""

    label: str
    benchmark: str
    known: Benchmark
    plots: list[Scatter]


@dataclass(frozen=True)
class _Cost:
    name: str
    less_is_better: bool
    of: Callable[[Row, Score], float | None]


def _throughput(_: Row, score: Score) -> float | None:
    """Of runs that trained: one that scores another's heads has gone through fewer images for its score."""
    rates = [record.cost.images_per_s for record in score.records if record.cost and record.trained_with is None]
    return float(np.mean(rates)) if rates else None


_COSTS = (
    _Cost("parameters, millions", True, lambda row, _: row.model.params / 1e6),
    _Cost("GFLOPs per image of about 224 px", True, lambda row, _: row.model.gflops),
    _Cost("images per second, whole run", False, _throughput),
)


def make_costs(rows: Sequence[Row], anchors: Mapping[str, str]) -> list[CostSet]:
    """Makes the plots of the labels with most numbers, for each benchmark with at least one model."""
    weight = Counter({row.label: 0 for row in rows})
    for row in rows:
        weight[row.label] += len(row.scores)
    labels = {label for label, _ in sorted(weight.items(), key=lambda item: (-item[1], item[0]))[:MOST_LABELS]}
    sets = []
    for label in dict.fromkeys(row.label for row in rows if row.label in labels):
        same_label = [row for row in rows if row.label == label]
        for known in benchmarks_of(same_label).values():
            plots = [plot for cost in _COSTS if (plot := _scatter(cost, known, same_label, anchors))]
            if plots:
                sets.append(CostSet(label, known.name, known, plots))
    return sets


def _scatter(cost: _Cost, known: Benchmark, rows: Sequence[Row], anchors: Mapping[str, str]) -> Scatter | None:
    scores = {row.model.checkpoint_sha256: (row, row.scores[known.name]) for row in rows if known.name in row.scores}
    baseline = next((score.value for row, score in scores.values() if row.model.checkpoint == PIXEL_BASELINE), None)
    placed = [
        (row, score, value)
        for row, score in scores.values()
        if row.model.checkpoint != PIXEL_BASELINE and (value := cost.of(row, score)) is not None and value > 0
    ]
    if not placed:
        return None
    costs = [value for _, _, value in placed]
    x = Axis.around(costs, logarithmic=max(costs) / min(costs) >= _LOGARITHMIC_FROM)
    ends = [end for _, score, _ in placed for end in _ends(score)] + ([baseline] if baseline is not None else [])
    y = Axis.around(ends, reversed=not known.metric.higher_is_better)
    points = _points(cost, known, placed, axes=(x, y), anchors=anchors)
    return Scatter(
        cost=cost.name,
        less_is_better=cost.less_is_better,
        points=points,
        x_ticks=[Tick(_x(x, tick), short(tick)) for tick in x.ticks(4)],
        y_ticks=[Tick(_y(y, tick), short(tick)) for tick in y.ticks()],
        baseline=None if baseline is None else _y(y, baseline),
    )


def _points(
    cost: _Cost,
    known: Benchmark,
    placed: Sequence[tuple[Row, Score, float]],
    *,
    axes: tuple[Axis, Axis],
    anchors: Mapping[str, str],
) -> list[Point]:
    x, y = axes
    signed = [(known.metric.sign * score.value, value if cost.less_is_better else -value) for _, score, value in placed]
    points, taken = [], []
    for (row, score, value), (quality, spent) in sorted(
        zip(placed, signed, strict=True), key=lambda each: (_y(y, each[0][1].value), each[0][0].model.name)
    ):
        beaten = any(other >= quality and less <= spent and (other, less) != (quality, spent) for other, less in signed)
        interval = score.interval
        at = _x(x, value), _y(y, score.value)
        name = row.model.name if len(placed) <= _MOST_NAMES else ""
        name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        name_x, name_y, anchor = _beside(at, name, taken)
        points.append(
            Point(
                model=row.model.name,
                x=at[0],
                y=at[1],
                low=None if interval is None else _y(y, interval.low),
                high=None if interval is None else _y(y, interval.high),
                best=not beaten,
                said=f"{row.model.name}: {known.metric.with_unit(score.value)} at {value:.3g} {cost.name}",
                run=anchors[score.records[0].id],
                name=name,
                name_x=name_x,
                name_y=name_y,
                name_anchor=anchor,
            )
        )
    return points


def _beside(at: tuple[float, float], name: str, taken: list[tuple[float, float, float]]) -> tuple[float, float, str]:
    """Finds room for a name, from the top of the plot down: right of the point if it fits, else left, then lower."""
    width = _CHARACTER * len(name)
    right = at[0] + 8 + width <= WIDTH - 2
    start = at[0] + 8 if right else at[0] - 8 - width
    height = at[1] - 5  # above the whisker of a neighbour at the same height
    while any(abs(height - other) < _LINE and start < end and begin < start + width for begin, end, other in taken):
        height += _LINE
    taken.append((start, start + width, height))
    return round(at[0] + (8 if right else -8), 1), round(height + 4, 1), "start" if right else "end"


def _ends(score: Score) -> list[float]:
    return [score.value] if score.interval is None else [score.interval.low, score.interval.high]


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * axis.place(value) / 100, 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * axis.place(value) / 100, 1)
