"""A comparison as a person reads it, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from benchmark.benchmarks import BENCHMARKS
from benchmark.data.class_names import class_name
from benchmark.report.compare import Comparison, Comparisons
from benchmark.report.grid import Column, Entry, Grid, Section
from benchmark.report.intervals import Interval
from benchmark.report.leaderboard import fixed
from benchmark.report.leaderboard_grid import METRICS

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


def compare_grid(found: Comparisons) -> Grid:
    """Lays comparisons out, one section per protocol."""
    labels = dict.fromkeys(each.protocol for each in found.made)
    sections = [
        Section(f"protocol {label}", [_line(each) for each in found.made if each.protocol == label]) for label in labels
    ]
    notes = [
        "Interval: 95 %, BCa bootstrap of 10,000 replicates, both models on the same drawn images.",
        "Tokens: patches of one image or window, of both models where they differ.",
        f"p: random exchange of the models on each image, 10,000 times; Holm over {_family(found)}.",
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


def class_lines(each: Comparison) -> list[str]:
    """Names the classes that gain and lose most."""
    gains = [one for one in each.per_class if one.delta > 0][:_CLASSES]
    losses = [one for one in each.per_class[::-1] if one.delta < 0][:_CLASSES]
    what = "IoU" if each.metric == "miou" else "accuracy"
    lines = []
    for word, classes in (("gains", gains), ("losses", losses)):
        if classes:
            changes = ", ".join(
                f"{_name(each, one.number)} {one.first:.1f} to {one.second:.1f} ({one.delta:+.1f})" for one in classes
            )
            lines.append(f"{each.benchmark}, {each.protocol}: largest {word} in {what}, %: {changes}")
    for word, only in (("first", each.only_first), ("second", each.only_second)):
        if only:
            lines.append(
                f"{each.benchmark}, {each.protocol}: false alarms of the {word} alone, which enter its mean as 0: "
                f"{', '.join(_name(each, number) for number in only)}"
            )
    return lines


def compare_json(found: Comparisons) -> str:
    """Writes comparisons with every class."""
    content = {
        "first": found.first,
        "second": found.second,
        "comparisons": [
            asdict(each) | {"per_class": [asdict(one) | {"name": _name(each, one.number)} for one in each.per_class]}
            for each in found.made
        ],
        "unpaired": found.unpaired,
        "family": found.family,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _family(found: Comparisons) -> str:
    count = f"{found.family} comparison{'s' if found.family > 1 else ''}"
    return count if found.family == len(found.made) else f"the {count} of report.html and, beyond them, of this command"


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
        Entry(each.tokens),
        Entry(fixed(known.column, each.first)),
        Entry(fixed(known.column, each.second)),
        Entry(signed(known.column, each.delta), bounds(known.column, each.interval)),
        Entry(p_text(each.p)),
        Entry(p_text(each.p_holm)),
        Entry(f"{counts.wins}/{counts.ties}/{counts.losses}"),
        Entry(each.verdict),
    ]


def p_text(value: float) -> str:
    """Writes a p-value."""
    return f"{value:.4f}" if value >= 0.001 else f"{value:.1e}"


def _name(each: Comparison, number: int) -> str:
    """Names a class; one without a name by its number."""
    return class_name(BENCHMARKS[each.benchmark].dataset, number)
