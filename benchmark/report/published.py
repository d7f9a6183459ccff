"""Published figures beside measured scores where protocols agree field by field; elsewhere, what differs.

``published`` in the config of a protocol states whose figures it agrees with. A run must
then agree with that config in every field, and with the official release in the images of every split it used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.benchmarks import BENCHMARKS, Benchmark
from benchmark.configs import CONFIGS
from benchmark.data.registry import DATASETS
from benchmark.errors import RecordError, UsageError, did_you_mean
from benchmark.load_protocol import compared_fields, load_protocol, protocol_names
from benchmark.protocols.read_settings import flat
from benchmark.records.schema import Record
from benchmark.report.patch_tokens import tokens_of
from benchmark.report.rows import Row

_FILE = CONFIGS / "published.csv"
_COLUMNS = (
    *("model", "variant", "size", "patch", "registers", "pretraining"),
    *("benchmark", "metric", "value", "protocol", "source", "trust"),
)
_CLOSEST_FIRST = ("stated", "presumed", "none")
_SHOWN = 6  # differing fields in a line


@dataclass(frozen=True)
class Figure:
    """A published score."""

    model: str
    variant: str
    size: str
    patch: str
    registers: str
    pretraining: str
    benchmark: str
    """A benchmark of DenseBench where there is one, else the name in the source."""

    metric: str
    value: float
    protocol: str
    """The source's, by a name of this file; ``published`` in our protocols says which of them it is."""

    source: str
    trust: str
    """``printed``, ``read-off-figure``, ``second-hand`` or ``inferred``."""

    @property
    def name(self) -> str:
        """Describes the model on one line."""
        convolutional = self.model.lower().endswith("convnext")
        size = f" {'' if convolutional else 'ViT-'}{self.size}" if self.size else ""
        registers = f", {self.registers} registers" if self.registers not in {"", "0"} else ""
        others = "".join(f", {text}" for text in (self.variant, self.pretraining) if text)
        return f"{self.model}{size}{f'/{self.patch}' if self.patch else ''}{registers}{others}"


@dataclass(frozen=True)
class Published:
    """A published figure that is comparable with measured scores."""

    label: str
    """Label of the rows it is comparable with."""

    model: str
    benchmark: str
    value: float
    source: str
    trust: str
    tokens: int | None
    """Patch tokens of a forward, by the protocol and the model's patch size; None where the source names no patch, or
    where images are seen whole and differ in size."""

    why: str
    """How it is known that the protocols agree."""


@dataclass(frozen=True)
class PublishedComparison:
    """Published figures that are comparable with a leaderboard, and why others are not."""

    beside: list[Published]
    differing: list[str]
    """One line for each protocol, benchmark and label where figures are not comparable, with the fields that differ."""


def read_figures(path: Path = _FILE) -> list[Figure]:
    """Reads published figures.

    Raises:
        RecordError: A column is missing or unknown, or a value is not a number.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(table.columns) != _COLUMNS:
        raise RecordError(f"{path}: columns are {', '.join(table.columns)}; expected {', '.join(_COLUMNS)}")
    figures = []
    for number, line in enumerate(table.to_dict("records"), start=2):
        name = line["benchmark"].replace("_", "-")
        try:
            value = float(line["value"])
        except ValueError as error:
            raise RecordError(f"{path}, line {number}: value {line['value']!r} is not a number") from error
        figures.append(
            Figure(**{**line, "value": value, "benchmark": name if name in BENCHMARKS else line["benchmark"]})
        )
    return figures


def of_protocols(figures: Sequence[Figure], names: Sequence[str]) -> list[Figure]:
    """Returns the figures of protocols.

    Raises:
        UsageError: A protocol without published figures.
    """
    known = list(dict.fromkeys(figure.protocol for figure in figures))
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(f"no published figures of protocol {name!r}{near}; known: {', '.join(known)}")
    return [figure for figure in figures if figure.protocol in names]


def lay_beside(figures: Sequence[Figure], rows: Sequence[Row]) -> PublishedComparison:
    """Finds which figures are comparable with which rows: same benchmark, every protocol field equal, official data."""
    columns: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for row in rows:
        for name, score in row.scores.items():
            columns[row.label, name] += score.records
    beside, differing = [], []
    groups: defaultdict[tuple[str, str, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        groups[figure.protocol, figure.benchmark, figure.metric].append(figure)
    for (protocol, benchmark, metric), group in groups.items():
        what = f"published {protocol}, {benchmark} ({len(group)} figure{'s' if len(group) > 1 else ''})"
        labels = [label for label, name in columns if name == benchmark]
        if benchmark not in BENCHMARKS:
            differing.append(f"{what}: no benchmark of that name")
        elif metric != BENCHMARKS[benchmark].metric.name:
            differing.append(f"{what}: their metric is {metric}, not {BENCHMARKS[benchmark].metric.name}")
        elif not labels:
            differing.append(f"{what}: no run to compare with")
        else:
            for label in labels:
                # One model of several that is not comparable keeps the figures out of the column.
                records = columns[label, benchmark]
                if reasons := list(dict.fromkeys(text for each in records for text in differences(protocol, each))):
                    more = f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
                    differing.append(f"{what}: not comparable with {label}: {'; '.join(reasons[:_SHOWN])}{more}")
                else:
                    beside += [_published(figure, label, records[0]) for figure in group]
    return PublishedComparison(beside, differing)


def _published(figure: Figure, label: str, record: Record) -> Published:
    benchmark, patch = BENCHMARKS[figure.benchmark], int(figure.patch) if figure.patch else None
    return Published(
        label=label,
        model=figure.name,
        benchmark=figure.benchmark,
        value=figure.value,
        source=figure.source,
        trust=figure.trust,
        tokens=patch and tokens_of(benchmark, record.protocol.fields, patch),
        why=agreement(benchmark, figure.protocol).why,
    )


@dataclass(frozen=True)
class PublishedAgreement:
    """What a protocol states about that of a source (see ``benchmark/protocols/sections.py``)."""

    ours: str
    """Name of our protocol."""

    kind: str
    """``stated``, ``presumed`` or ``none``."""

    why: str
    may_differ: tuple[str, ...] = ()
    patch_sizes: tuple[int, ...] = ()


@cache
def agreement(benchmark: Benchmark, protocol: str) -> PublishedAgreement | None:
    """Returns how the closest protocol of a benchmark agrees with that of a source; None if none mentions it."""
    agreements = []
    for ours in protocol_names(benchmark):
        said = load_protocol(benchmark, ours).settings.published.get(protocol)
        if said is not None:
            agreements.append(PublishedAgreement(ours, said.agreement, said.why, said.may_differ, said.patch_sizes))
    return min(agreements, key=lambda each: _CLOSEST_FIRST.index(each.kind), default=None)


def differences(protocol: str, record: Record, *, presumed: bool = False) -> list[str]:
    """Lists why figures of a source's protocol are not comparable with a record: fields, then data.

    Args:
        protocol: As ``configs/published.csv`` calls it.
        record: A successful one of a benchmark that ships.
        presumed: Whether a source that does not state every field is good enough.
    """
    benchmark = BENCHMARKS[record.benchmark]
    known = agreement(benchmark, protocol)
    if known is None:
        return [f"no protocol that corresponds to {protocol}"]
    if known.kind == "none" or (known.kind == "presumed" and not presumed):
        return [f"{known.ours} {'differs' if known.kind == 'none' else 'may differ'}: {known.why}"]
    wanted = flat(load_protocol(benchmark, known.ours).compared)
    ours = flat(compared_fields(benchmark, record.protocol.fields))
    reasons = [  # a section that one of them does not have is None there
        f"{key} {_text(wanted.get(key))} ≠ {_text(ours.get(key))}"
        for key in dict.fromkeys((*wanted, *ours))
        if wanted.get(key) != ours.get(key) and key not in known.may_differ
    ]
    if known.patch_sizes and record.model.patch_size not in known.patch_sizes:
        theirs = " or ".join(map(str, known.patch_sizes))
        reasons.append(f"patches of {theirs} pixels ≠ {record.model.patch_size}")
    return reasons + _unofficial(record)


def _unofficial(record: Record) -> list[str]:
    """Lists the splits that are not complete splits of the official release, a line each."""
    data = record.protocol.fields.get("data", {})
    left_out = (record.metrics or {}).get("images_left_out") or {}
    reasons = []
    for role, dataset in (("train", data.get("trained_on", record.data.name)), ("val", record.data.name)):
        split, used = data.get(role), record.data.splits.get(role)
        official = DATASETS[dataset].counts.get(split) if dataset in DATASETS else None
        if official is not None and used != official:
            reasons.append(f"{split} images {official:,} ≠ {f'{used:,}' if used is not None else 'unknown'}")
        if left_out.get(role):
            reasons.append(f"{left_out[role]:,} images of {split} left out")
    return reasons


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
