"""The records a report may rest on: read, checked against their own statistics, the others named.

A record is left out if its number cannot be trusted: it is truncated, of another schema, a copy, or its value is not
the one its metrics and per-image statistics give. A record whose statistics file is missing keeps its place, without
an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.benchmarks import BENCHMARKS
from benchmark.errors import RecordError
from benchmark.records.schema import Record
from benchmark.records.store import RecordStore
from benchmark.report.estimates import Estimates

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
    contents = RecordStore(results).read()
    estimates = Estimates(results, say)
    problems = list(contents.problems)
    records, unverified = [], set()
    for record in _without_copies(contents.records, problems):
        problem = _problem(record, estimates, unverified)
        if problem is None:
            records.append(record)
        else:
            problems.append(f"{record.id}.json: {problem}")
    estimates.save()
    return Collected(records, problems, frozenset(unverified), estimates)


def _without_copies(records: Sequence[Record], problems: list[str]) -> list[Record]:
    """Drops records that say the same as an earlier one under another id; a second run takes another time."""
    seen: dict[tuple, str] = {}
    kept = []
    for record in records:
        said = (record.created, record.command, record.benchmark, record.model.checkpoint_sha256, record.protocol.name,
                record.seed, record.limit, record.primary, record.cost, record.error)  # fmt: skip
        if record.cost is not None and said in seen:
            problems.append(f"{record.id}.json: a copy of {seen[said]}")
        else:
            seen[said] = record.id
            kept.append(record)
    return kept


def _problem(record: Record, estimates: Estimates, unverified: set[str]) -> str | None:
    """Says why the number of a record cannot be trusted; enters into ``unverified`` what cannot be checked."""
    if record.status == "error" or record.benchmark not in BENCHMARKS:
        return None
    problem = _contradiction(record)
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


def _contradiction(record: Record) -> str | None:
    """Says what in a successful record does not fit together."""
    if record.primary is None or record.metrics is None:
        return "a success without a score"
    name, value = record.primary.name, record.primary.value
    if name != BENCHMARKS[record.benchmark].metric:
        return f"its metric is {name}, that of {record.benchmark} is {BENCHMARKS[record.benchmark].metric}"
    stated = record.metrics.get(name)
    if not isinstance(stated, int | float) or not _same(stated, value):
        return f"edited: its value is {value}, its metrics say {stated}"
    if record.per_image not in {None, f"{record.id}.parquet"}:
        return f"its statistics are another record's, {record.per_image}"
    return None


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_RELATIVE_TOLERANCE)
