"""Reads the records of a results folder and checks them against their statistics; those that fail are reported.

A record is left out if its number cannot be trusted: it is truncated, of another schema, a copy, or its value is not
the one its metrics and per-image statistics give. A record whose statistics file is missing keeps its place, without
an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.benchmarks import benchmark_of
from benchmark.errors import RecordError
from benchmark.metric import Metric
from benchmark.records.schema import Record
from benchmark.records.store import RecordStore
from benchmark.report.statistics.estimates import Estimates

_RELATIVE_TOLERANCE = 1e-6  # sums of floats depend on their order; an edited digit that shows is far above


@dataclass(frozen=True)
class Collected:
    """What a results folder holds for a report."""

    records: list[Record]
    """Sound records, oldest first; failed and limited ones among them."""

    problems: list[str]
    """One line for each file that was left out, with the reason."""

    unverified: frozenset[str]
    """Identities of sound records whose statistics are not there."""

    estimates: Estimates
    """Scores and intervals made from the statistics."""


def collect(results: Path, say: Callable[[str], None] = lambda _: None) -> Collected:
    """Reads and checks the records of a results folder, and computes intervals that are not there yet."""
    stored = RecordStore(results).read()
    estimates = Estimates(results, say)
    problems = list(stored.problems)
    records, unverified = [], set()
    for record in _without_copies(stored.records, problems):
        problem = _problem(record, estimates, unverified)
        if problem is None:
            records.append(record)
        else:
            problems.append(f"{record.id}.json: {problem}")
    estimates.save()
    return Collected(records, problems, frozenset(unverified), estimates)


def _without_copies(records: Sequence[Record], problems: list[str]) -> list[Record]:
    """Drops copies of an earlier record under another id; a second run has another time."""
    first_with: dict[tuple, str] = {}
    different = []
    for record in records:
        model, protocol = record.model.checkpoint_sha256, record.protocol.name
        run = (record.created, record.command, record.benchmark, model, protocol, record.seed, record.limit)
        content = (*run, record.primary, record.cost, record.error)
        if record.cost is not None and content in first_with:
            problems.append(f"{record.id}.json: a copy of {first_with[content]}")
        else:
            first_with[content] = record.id
            different.append(record)
    return different


def _problem(record: Record, estimates: Estimates, unverified: set[str]) -> str | None:
    """Returns why a record cannot be trusted, None if it can; adds to ``unverified`` what cannot be checked."""
    benchmark = benchmark_of(record)
    if record.status == "error" or benchmark is None:
        return None
    problem = _contradiction(record, benchmark.metric)
    if problem is not None or record.limit is not None:  # a smoke test is in no table: not worth the time
        return problem
    try:
        estimate = estimates.score([record])
    except RecordError as error:
        return str(error)
    if estimate is None:
        unverified.add(record.id)
    elif not _same(estimate.value, record.primary.value):
        return f"edited: its value is {record.primary.value}, its per-image statistics give {estimate.value}"
    return None


def _contradiction(record: Record, metric: Metric) -> str | None:
    """Returns what in a successful record is inconsistent, None if nothing is."""
    if record.primary is None or record.metrics is None:
        return "a success without a score"
    name, value = record.primary.name, record.primary.value
    if name != metric.name:
        return f"its metric is {name}, that of {record.benchmark} is {metric.name}"
    stated = record.metrics.get(name)
    if not isinstance(stated, int | float) or not _same(stated, value):
        return f"edited: its value is {value}, its metrics say {stated}"
    if record.per_image not in {None, f"{record.id}.parquet"}:
        return f"its statistics are another record's, {record.per_image}"
    return None


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_RELATIVE_TOLERANCE)
