"""A comparison as a person reads it, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmark.benchmarks import BENCHMARKS
from benchmark.report.compare import Comparison, Comparisons
from benchmark.report.differences import ClassDelta
from benchmark.report.grid import Column, Entry, Grid, Section
from benchmark.report.intervals import Interval
from benchmark.report.leaderboard import fixed
from benchmark.report.leaderboard_grid import METRICS

SIGNIFICANT = 0.05
_CLASSES = 5
_COLUMNS = [
    Column("benchmark"),
    Column("images", numeric=True),
    Column("first", numeric=True),
    Column("second", numeric=True),
    Column("second\n- first", numeric=True),
    Column("p", numeric=True),
    Column("p (Holm)", numeric=True),
    Column("images\nwon/tied/lost", numeric=True),
    Column("verdict"),
]


def compare_grid(found: Comparisons) -> Grid:
    """Lays comparisons out, one section per protocol."""
    labels = dict.fromkeys(each.protocol for each in found.made)
    sections = [
        Section(f"protocol {label}", [_line(each) for each in found.made if each.protocol == label]) for label in labels
    ]
    notes = [
        "Interval: 95 %, BCa bootstrap of 10,000 replicates, both models on the same drawn images.",
        f"p: random exchange of the models on each image, 10,000 times; Holm over {len(found.made)} "
        f"comparison{'s' if len(found.made) > 1 else ''}.",
    ]
    notes += [
        f"seeds: {each.benchmark}, {each.protocol}: the difference has a standard deviation of "
        f"{fixed(each.metric, each.seed_std)} over seeds {', '.join(map(str, each.seeds))}; it is in no interval."
        for each in found.made
        if each.seed_std is not None
    ]
    notes += [line for each in found.made for line in class_lines(each)]
    notes += [f"not compared: {line}" for line in found.unpaired]
    return Grid(f"first: {found.first}; second: {found.second}", _COLUMNS, sections, notes)


def verdict(each: Comparison) -> str:
    """Says in a word whether the second is better: only if the corrected p-value says there is a difference."""
    if each.p_holm >= SIGNIFICANT:
        return "no difference shown"
    return "better" if (each.delta > 0) == each.higher_is_better else "worse"


def class_lines(each: Comparison) -> list[str]:
    """Names the classes that gain and lose most."""
    gains = [one for one in each.per_class if one.delta > 0][:_CLASSES]
    losses = [one for one in each.per_class[::-1] if one.delta < 0][:_CLASSES]
    what = "IoU" if each.metric == "miou" else "accuracy"
    lines = []
    for word, classes in (("gains", gains), ("losses", losses)):
        if classes:
            lines.append(f"{each.benchmark}, {each.protocol}: largest {word} in {what}, %: {_classes(classes)}")
    for word, only in (("first", each.only_first), ("second", each.only_second)):
        if only:
            lines.append(
                f"{each.benchmark}, {each.protocol}: false alarms of the {word} alone, which enter its mean as 0: "
                f"class {', '.join(map(str, only))}"
            )
    return lines


def compare_json(found: Comparisons) -> str:
    """Writes comparisons with every class."""
    content = {
        "first": found.first,
        "second": found.second,
        "comparisons": [{**asdict(each), "verdict": verdict(each)} for each in found.made],
        "unpaired": found.unpaired,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def signed(column: str, value: float) -> str:
    """Writes a difference with its sign, decimals as the column has them."""
    text = fixed(column, value)
    return text if text.startswith("-") else f"+{text}"


def bounds(column: str, interval: Interval | None) -> str:
    """Writes the interval of a difference."""
    return "" if interval is None else f"[{signed(column, interval.low)}, {signed(column, interval.high)}]"


def _line(each: Comparison) -> list[Entry]:
    known = BENCHMARKS[each.benchmark]
    arrow = "↑" if each.higher_is_better else "↓"
    counts = each.per_image
    return [
        Entry(f"{each.benchmark} {METRICS[each.metric]} {known.unit} {arrow}"),
        Entry(f"{each.images:,}"),
        Entry(fixed(known.column, each.first)),
        Entry(fixed(known.column, each.second)),
        Entry(signed(known.column, each.delta), bounds(known.column, each.interval)),
        Entry(_p(each.p)),
        Entry(_p(each.p_holm)),
        Entry(f"{counts.wins}/{counts.ties}/{counts.losses}"),
        Entry(verdict(each)),
    ]


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.001 else f"{value:.1e}"


def _classes(classes: Sequence[ClassDelta]) -> str:
    return ", ".join(f"class {one.number} {one.first:.1f} to {one.second:.1f} ({one.delta:+.1f})" for one in classes)
