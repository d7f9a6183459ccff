"""Differences to one model, on the same images, with their intervals: the values of a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.benchmarks import Benchmark
from benchmark.errors import RecordError
from benchmark.report.baseline import MOST, AgainstBaseline, against_baselines, page_family
from benchmark.report.page.axis import Axis, short
from benchmark.report.patch_tokens import tokens_text
from benchmark.report.rows import Row
from benchmark.report.statistics.estimates import Estimate, Estimates
from benchmark.report.statistics.verdict import Family, Word, key_of, verdict
from benchmark.report.tables.compare_grid import bounds, p_text


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
    tokens: str
    """Patch tokens per image."""

    p_holm: str
    """Corrected p-value, written out."""

    verdict: Word
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Plot:
    """One benchmark."""

    benchmark: Benchmark
    lines: list[Difference]
    zero: float
    ticks: list[tuple[float, str]]
    tokens: str
    """Patch tokens per image of the baseline."""


@dataclass(frozen=True)
class Forest:
    """All benchmarks under one protocol."""

    label: str
    baseline: str
    plots: list[Plot]
    family: int
    """Comparisons that p-values are corrected for."""

    notes: list[str]


def make_forests(rows: Sequence[Row], estimates: Estimates, anchors: Mapping[str, str]) -> list[Forest]:
    """Compares the models of each label with its baseline; one family of comparisons is corrected over all labels."""
    forests, family = [], page_family(rows, estimates)
    for compared in against_baselines(rows):
        notes: list[str] = []
        if compared.left_out:
            notes.append(
                f"The newest {MOST} of {MOST + compared.left_out} models are shown; densebench compare A B has any."
            )
        plots = []
        for benchmark in dict.fromkeys(each.benchmark for each in compared.made):
            same_benchmark = [each for each in compared.made if each.benchmark is benchmark]
            plots += [plot] if (plot := _plot(same_benchmark, estimates, family, anchors, notes)) else []
        if plots:
            forests.append(Forest(compared.label, compared.baseline.model.name, plots, len(family), notes))
    estimates.save()
    return forests


def _plot(
    compared: Sequence[AgainstBaseline],
    estimates: Estimates,
    family: Family,
    anchors: Mapping[str, str],
    notes: list[str],
) -> Plot | None:
    """Plots the models of one benchmark; what cannot be paired is named in ``notes``."""
    paired = [(each, estimate) for each in compared if (estimate := _difference(each, estimates, notes)) is not None]
    if not paired:
        return None
    known = compared[0].benchmark
    ends = [0.0] + [value for _, estimate in paired for value in _ends(estimate)]
    axis = Axis.around(ends, reversed=not known.metric.higher_is_better)
    lines = [_line(each, estimate, family, axis, anchors) for each, estimate in paired]
    ticks = [(axis.place(tick), short(tick)) for tick in axis.ticks()]
    tokens = tokens_text(compared[0].baseline.scores[known.name].records)
    return Plot(known, sorted(lines, key=lambda line: -line.value), axis.place(0), ticks, tokens)


def _difference(each: AgainstBaseline, estimates: Estimates, notes: list[str]) -> Estimate | None:
    model = each.row.model.name
    if each.pair is None:
        notes.append(f"{model}, {each.benchmark.name}: no seed in common with the baseline")
        return None
    try:
        estimate = estimates.delta([each.pair])
    except RecordError as error:
        notes.append(f"{model}, {each.benchmark.name}: {error}")
        return None
    if estimate is None:
        notes.append(f"{model}, {each.benchmark.name}: no difference without per-image statistics")
    return estimate


def _ends(estimate: Estimate) -> list[float]:
    interval = estimate.interval
    return [estimate.value] if interval is None else [estimate.value, interval.low, interval.high]


def _line(
    each: AgainstBaseline, estimate: Estimate, family: Family, axis: Axis, anchors: Mapping[str, str]
) -> Difference:
    known, metric, interval = each.benchmark, each.benchmark.metric, estimate.interval
    low, high = sorted((axis.place(interval.low), axis.place(interval.high))) if interval else (None, None)
    p_holm = family.p_holm[key_of(each.pair)]
    return Difference(
        model=each.row.model.name,
        text=metric.signed(estimate.value).replace("-", "\N{MINUS SIGN}"),
        interval=bounds(metric, interval).replace("-", "\N{MINUS SIGN}"),
        value=metric.sign * estimate.value,
        at=axis.place(estimate.value),
        low=low,
        high=high,
        tokens=tokens_text(each.row.scores[known.name].records),
        p_holm=p_text(p_holm),
        verdict=verdict(estimate.value, p_holm, higher_is_better=metric.higher_is_better),
        runs=tuple(anchors[record.id] for record in each.row.scores[known.name].records),
    )
