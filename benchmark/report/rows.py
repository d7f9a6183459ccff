"""Which records stand in which row: one row per checkpoint and protocol, one column per benchmark.

The label of a row is the protocol's family and every override, since each makes another protocol. A record joins every
row of its checkpoint and family whose overrides it either has or cannot have: ``run all train.iterations=20`` fills one
row, although a benchmark that trains nothing ran without that override. A column of one label never mixes protocols or
data: where fingerprints differ, the largest group stays and the others are named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.benchmarks import BENCHMARKS
from benchmark.records.schema import ModelInfo, Record
from benchmark.report.estimates import Estimates
from benchmark.report.intervals import Interval, seed_spread


@dataclass(frozen=True)
class Cell:
    """A number and the records it was made of."""

    benchmark: str
    value: float
    """Mean over seeds."""

    interval: Interval | None
    """Error of having drawn these images; None without statistics."""

    seed_std: float | None
    """Standard deviation over seeds, None for one seed."""

    records: tuple[Record, ...]
    """The newest of each seed, by seed."""


@dataclass(frozen=True)
class Row:
    """A checkpoint under a protocol."""

    label: str
    family: str
    overrides: tuple[str, ...]
    model: ModelInfo
    """As the newest record has it."""

    cells: dict[str, Cell]
    """By benchmark."""


Key = tuple[str, tuple[str, ...], str]
"""Family, overrides, checkpoint."""


def protocol_label(family: str, overrides: Sequence[str]) -> str:
    """Names the protocol of a row."""
    return family + (f" ({' '.join(overrides)})" if overrides else "")


def make_rows(records: Sequence[Record], estimates: Estimates | None = None) -> tuple[list[Row], list[str]]:
    """Groups records, oldest first, into rows.

    Args:
        records: All of a results folder.
        estimates: Where intervals come from.

    Returns:
        Rows ordered by label, name and checkpoint; and a line for each group of records that was left out.
    """
    left_out: list[str] = []
    placed = _placed(_usable(records, left_out))
    cells: defaultdict[Key, dict[str, list[Record]]] = defaultdict(dict)
    for key, benchmark, group in _comparable(placed, left_out):
        cells[key][benchmark] = group
    rows = [_row(key, groups, estimates) for key, groups in cells.items()]
    return sorted(rows, key=lambda row: (row.label, row.model.name, row.model.checkpoint_sha256)), left_out


def has_field(fields: Mapping[str, Any], path: str) -> bool:
    """Says whether a protocol has a field, ``train.iterations`` for example."""
    section: Any = fields
    for key in path.split("."):
        if not isinstance(section, Mapping) or key not in section:
            return False
        section = section[key]
    return True


def _usable(records: Iterable[Record], left_out: list[str]) -> list[Record]:
    usable = []
    reasons: Counter[str] = Counter()
    for record in records:
        if record.benchmark not in BENCHMARKS:
            reasons[f"of {record.benchmark}, which this DenseBench does not know"] += 1
        elif record.status == "error" or record.primary is None:
            reasons["that failed"] += 1
        elif record.limit is not None:
            reasons["with --limit"] += 1
        else:
            usable.append(record)
    left_out += [f"{runs(count)} {reason}" for reason, count in reasons.items()]
    return usable


def _placed(records: Iterable[Record]) -> dict[Key, list[Record]]:
    """Puts each record into every row it joins, and drops rows that say nothing of their own."""
    of_model: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        of_model[record.protocol.family, record.model.checkpoint_sha256].append(record)
    placed = {}
    for (family, checkpoint), own in of_model.items():
        wanted = dict.fromkeys(record.protocol.overrides for record in own)
        rows = {overrides: [record for record in own if _joins(record, overrides)] for overrides in wanted}
        for overrides, joined in rows.items():
            others = {record.id for other, kept in rows.items() if other != overrides for record in kept}
            if any(record.id not in others for record in joined):
                placed[family, overrides, checkpoint] = joined
    return placed


def _joins(record: Record, overrides: tuple[str, ...]) -> bool:
    own = set(record.protocol.overrides)
    if own == set(overrides):
        return True
    missing = set(overrides) - own
    fields = record.protocol.fields
    return own <= set(overrides) and not any(has_field(fields, text.partition("=")[0]) for text in missing)


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
    kept = []
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
        kept += [(key, benchmark, [seeds[seed] for seed in sorted(seeds)]) for key, seeds in newest.items()]
    return kept


def _weight(group: Sequence[tuple[Key, Record]]) -> tuple[int, str, str]:
    newest = max((record.created, record.id) for _, record in group)
    return len({key[2] for key, _ in group}), *newest


def _row(key: Key, groups: Mapping[str, list[Record]], estimates: Estimates | None) -> Row:
    family, overrides, _ = key
    newest = max((record for group in groups.values() for record in group), key=lambda record: record.created)
    ordered = {benchmark: groups[benchmark] for benchmark in BENCHMARKS if benchmark in groups}
    cells = {benchmark: _cell(benchmark, group, estimates) for benchmark, group in ordered.items()}
    return Row(protocol_label(family, overrides), family, overrides, newest.model, cells)


def _cell(benchmark: str, records: Sequence[Record], estimates: Estimates | None) -> Cell:
    values = [record.primary.value for record in records]
    estimate = estimates.score(records) if estimates is not None else None
    interval = estimate.interval if estimate is not None else None
    stated = records[0].primary.ci95
    if interval is None and len(records) == 1 and stated is not None:
        interval = Interval(*stated, "of the record")
    return Cell(benchmark, float(np.mean(values)), interval, seed_spread(values), tuple(records))


def runs(count: int) -> str:
    """Writes ``1 run``, ``2 runs``."""
    return f"{count} run{'s' if count > 1 else ''}"
