"""A comparison as a person reads it, and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict
from typing import Any

from benchmark.metric import Metric
from benchmark.report.compare import Comparison, Comparisons
from benchmark.report.statistics.intervals import Interval
from benchmark.report.tables.grid import Column, Grid, GridEntry, GridSection

_CLASSES = 5
_COLUMNS = [
    Column("benchmark"),
    Column("images", numeric=True),
    Column("tokens", numeric=True),
    Column("first", numeric=True),
    Column("second", numeric=True),
    Column("second\n- first", numeric=True),
    Column("p", numeric=True),
    Column("p (Holm)", numeric=True),
    Column("images\nwon/tied/lost", numeric=True),
    Column("verdict"),
]


def compare_grid(comparisons: Comparisons) -> Grid:
    """Lays comparisons out, one section per protocol."""
    labels = dict.fromkeys(each.protocol for each in comparisons.made)
    sections = [
        GridSection(f"protocol {label}", [_line(each) for each in comparisons.made if each.protocol == label])
        for label in labels
    ]
    notes = [
        "Interval: 95 %, BCa bootstrap of 10,000 replicates, both models on the same resampled images.",
        "Tokens: patches of one image or window, of both models where they differ.",
        f"p: random exchange of the models on each image, 10,000 times; Holm over {_family(comparisons)}.",
    ]
    notes += [
        f"seeds: {each.benchmark.name}, {each.protocol}: the difference has a standard deviation of "
        f"{each.benchmark.metric.text(each.seed_std)} over seeds {', '.join(map(str, each.seeds))}; the interval "
        "does not cover it."
        for each in comparisons.made
        if each.seed_std is not None
    ]
    notes += [line for each in comparisons.made for line in class_lines(each)]
    notes += [f"not compared: {line}" for line in comparisons.unpaired]
    return Grid(f"first: {comparisons.first}; second: {comparisons.second}", _COLUMNS, sections, notes)


def class_lines(each: Comparison) -> list[str]:
    """Names the classes that gain and lose most."""
    gains = [one for one in each.per_class if one.delta > 0][:_CLASSES]
    losses = [one for one in each.per_class[::-1] if one.delta < 0][:_CLASSES]
    name, what = each.benchmark.name, each.benchmark.task.class_score
    lines = []
    for word, classes in (("gains", gains), ("losses", losses)):
        if classes:
            changes = ", ".join(
                f"{_name(each, one.number)} {one.first:.1f} to {one.second:.1f} ({one.delta:+.1f})" for one in classes
            )
            lines.append(f"{name}, {each.protocol}: largest {word} in {what}, %: {changes}")
    for word, only in (("first", each.only_first), ("second", each.only_second)):
        if only:
            lines.append(
                f"{name}, {each.protocol}: false alarms of the {word} alone, which enter its mean as 0: "
                f"{', '.join(_name(each, number) for number in only)}"
            )
    return lines


def compare_json(comparisons: Comparisons) -> str:
    """Writes comparisons with every class."""
    content = {
        "first": comparisons.first,
        "second": comparisons.second,
        "comparisons": [_as_json(each) for each in comparisons.made],
        "unpaired": comparisons.unpaired,
        "family": comparisons.family,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _as_json(each: Comparison) -> dict[str, Any]:
    metric = each.benchmark.metric
    fields = {field.name: getattr(each, field.name) for field in dataclasses.fields(each) if field.name != "benchmark"}
    return {
        "benchmark": each.benchmark.name,
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        **fields,
        "interval": each.interval and asdict(each.interval),
        "per_image": asdict(each.per_image),
        "per_class": [asdict(one) | {"name": _name(each, one.number)} for one in each.per_class],
    }


def _family(comparisons: Comparisons) -> str:
    count = f"{comparisons.family} comparison{'s' if comparisons.family > 1 else ''}"
    return count if comparisons.family == len(comparisons.made) else f"the {count} of report.html and of this command"


def bounds(metric: Metric, interval: Interval | None) -> str:
    """Writes the interval of a difference."""
    return "" if interval is None else f"[{metric.signed(interval.low)}, {metric.signed(interval.high)}]"


def _line(each: Comparison) -> list[GridEntry]:
    metric, counts = each.benchmark.metric, each.per_image
    return [
        GridEntry(f"{each.benchmark.name} {metric.title} {metric.unit} {metric.arrow}"),
        GridEntry(f"{each.images:,}", value=each.images),
        GridEntry(each.tokens),
        GridEntry.of(metric, each.first, ranked=False),
        GridEntry.of(metric, each.second, ranked=False),
        GridEntry(metric.signed(each.delta), bounds(metric, each.interval), each.delta),
        GridEntry(p_text(each.p), value=each.p),
        GridEntry(p_text(each.p_holm), value=each.p_holm),
        GridEntry(f"{counts.wins}/{counts.ties}/{counts.losses}"),
        GridEntry(each.verdict),
    ]


def p_text(value: float) -> str:
    """Writes a p-value."""
    return f"{value:.4f}" if value >= 0.001 else f"{value:.1e}"


def _name(each: Comparison, number: int) -> str:
    """Names a class; one without a name by its number."""
    return each.benchmark.dataset.class_name(number)
