"""Groups records into rows: one row per checkpoint and protocol, one score per benchmark.

The label of a row is the protocol's family and every override, since each makes another protocol. A record joins every
row of its checkpoint and family whose overrides it either has or cannot have: ``run all train.iterations=20`` fills one
row, although a benchmark that trains nothing ran without that override. A column of one label never mixes protocols or
data: where fingerprints differ, the largest group stays and the others are named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.benchmarks import Benchmark, benchmark_of, in_order
from benchmark.protocols.read_settings import has_field
from benchmark.records.schema import Record
from benchmark.report.rows import Row, Score, protocol_label
from benchmark.report.statistics.estimates import Estimates
from benchmark.report.statistics.intervals import Interval, seed_spread

Key = tuple[str, tuple[str, ...], str]
"""Family, overrides, checkpoint."""


def make_rows(records: Sequence[Record], estimates: Estimates | None = None) -> tuple[list[Row], list[str]]:
    """Groups records, oldest first, into rows.

    Args:
        records: All of a results folder.
        estimates: Where intervals come from.

    Returns:
        Rows ordered by label, name and checkpoint; and a line for each group of records that was left out.
    """
    left_out: list[str] = []
    placed = _placed(_of_one_kind(_usable(records, left_out), left_out))
    scored: defaultdict[Key, dict[str, list[Record]]] = defaultdict(dict)
    for key, benchmark, group in _comparable(placed, left_out):
        scored[key][benchmark] = group
    rows = [_row(key, groups, estimates) for key, groups in scored.items()]
    return sorted(rows, key=lambda row: (row.label, row.model.name, row.model.checkpoint_sha256)), left_out


def _usable(records: Iterable[Record], left_out: list[str]) -> list[Record]:
    usable = []
    reasons: Counter[str] = Counter()
    for record in records:
        if benchmark_of(record) is None:
            reasons[f"of {record.benchmark}, which this DenseBench does not know"] += 1
        elif record.status == "error" or record.primary is None:
            reasons["that failed"] += 1
        elif record.limit is not None:
            reasons["with --limit"] += 1
        else:
            usable.append(record)
    left_out += [f"{runs(count)} {reason}" for reason, count in reasons.items()]
    return usable


def _of_one_kind(records: Sequence[Record], left_out: list[str]) -> list[Record]:
    """Keeps the records of one column where descriptions of one name were of several kinds: depth once, labels now."""
    columns: defaultdict[str, defaultdict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        columns[record.benchmark][benchmark_of(record).column].append(record)
    chosen = {}
    for name, kinds in columns.items():
        weights = {column: _weight([((), record) for record in alike]) for column, alike in kinds.items()}
        chosen[name] = max(kinds, key=weights.__getitem__)
        others = sum(len(alike) for column, alike in kinds.items() if column != chosen[name])
        if others:
            left_out.append(
                f"{runs(others)} of {name}: a description of another kind than the one shown as {chosen[name]}"
            )
    return [record for record in records if benchmark_of(record).column == chosen[record.benchmark]]


def _placed(records: Iterable[Record]) -> dict[Key, list[Record]]:
    """Puts each record into every row it joins, and drops rows without a record that is in no other row."""
    of_model: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        of_model[record.protocol.family, record.model.checkpoint_sha256].append(record)
    placed = {}
    for (family, checkpoint), candidates in of_model.items():
        wanted = dict.fromkeys(record.protocol.overrides for record in candidates)
        rows = {overrides: [record for record in candidates if _joins(record, overrides)] for overrides in wanted}
        for overrides, joined in rows.items():
            elsewhere = {record.id for other, others in rows.items() if other != overrides for record in others}
            if any(record.id not in elsewhere for record in joined):
                placed[family, overrides, checkpoint] = joined
    return placed


def _joins(record: Record, overrides: tuple[str, ...]) -> bool:
    has = set(record.protocol.overrides)
    if has == set(overrides):
        return True
    missing = set(overrides) - has
    fields = record.protocol.fields
    return has <= set(overrides) and not any(has_field(fields, override) for override in missing)


def _comparable(placed: Mapping[Key, list[Record]], left_out: list[str]) -> list[tuple[Key, str, list[Record]]]:
    """Keeps one protocol and data fingerprint per column and label, and the newest record of each seed.

    It is the one with most checkpoints, so that a stray run on other data does not empty the column; the newest wins
    a tie.
    """
    columns: defaultdict[tuple[str, str], defaultdict[tuple[str, str], list[tuple[Key, Record]]]]
    columns = defaultdict(lambda: defaultdict(list))
    for key, records in placed.items():
        for record in records:
            fingerprints = record.protocol.fingerprint, record.data.fingerprint
            columns[record.benchmark, protocol_label(*key[:2])][fingerprints].append((key, record))
    comparable = []
    for (benchmark, label), groups in columns.items():
        chosen = max(groups.values(), key=_weight)
        others = sum(len(group) for group in groups.values()) - len(chosen)
        if others:
            left_out.append(
                f"{runs(others)} of {benchmark}, {label}: another protocol version or data than the "
                f"{runs(len(chosen))} shown (see runs.csv)"
            )
        newest: defaultdict[Key, dict[int, Record]] = defaultdict(dict)
        for key, record in chosen:  # oldest first
            newest[key][record.seed] = record
        comparable += [(key, benchmark, [seeds[seed] for seed in sorted(seeds)]) for key, seeds in newest.items()]
    return comparable


def _weight(group: Sequence[tuple[Any, Record]]) -> tuple[int, str, str]:
    newest = max((record.created, record.id) for _, record in group)
    return len({record.model.checkpoint_sha256 for _, record in group}), *newest


def _row(key: Key, groups: Mapping[str, list[Record]], estimates: Estimates | None) -> Row:
    family, overrides, _ = key
    newest = max((record for group in groups.values() for record in group), key=lambda record: record.created)
    ordered = in_order(benchmark_of(group[0]) for group in groups.values())
    scores = {name: _score(benchmark, groups[name], estimates) for name, benchmark in ordered.items()}
    return Row(protocol_label(family, overrides), family, overrides, newest.model, scores)


def _score(benchmark: Benchmark, records: Sequence[Record], estimates: Estimates | None) -> Score:
    values = [record.primary.value for record in records]
    estimate = estimates.score(records) if estimates is not None else None
    interval = estimate.interval if estimate is not None else None
    stated = records[0].primary.ci95
    if interval is None and len(records) == 1 and stated is not None:
        interval = Interval(*stated, "of the record")
    return Score(benchmark, float(np.mean(values)), interval, seed_spread(values), tuple(records))


def runs(count: int) -> str:
    """Writes ``1 run``, ``2 runs``."""
    return f"{count} run{'s' if count > 1 else ''}"
