"""Records that look wrong or must be read with care. Pure: records in, flags out.

``below-baseline``: worse than raw pixel colours. ``identical``: two checkpoints with the same score to the last digit.
``edge``: a sweep chose the end of its grid, so a better value may lie beyond. ``nan``: NaN scores.
``not-final``: of the checkpoints of one training run, the last is not the best. ``dirty``: uncommitted changes.
``packages``: one column from several versions of a package. ``description``: one column under several descriptions of
the data, which mean something else by its name. ``limited``: a smoke test. ``unverified``: no statistics.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.benchmarks import benchmark_of
from benchmark.records.schema import Record
from benchmark.report.steps import run_and_step

PIXEL_BASELINE = "pixels"
"""Checkpoint of the pixel baseline: raw pixel colours as features."""

_SCORE_SUFFIXES = ("_held_out", "_val")


@dataclass(frozen=True)
class Flag:
    """Something to look at."""

    kind: str
    benchmark: str
    text: str
    records: tuple[str, ...]
    """Identities of the records it is about."""

    setting: str = ""
    """Of an ``edge``: the setting whose value is at the end of its grid."""


def find_flags(records: Sequence[Record], unverified: Collection[str] = ()) -> list[Flag]:
    """Returns all flags of records, ordered by kind as the module lists them.

    Args:
        records: Those of a table, smoke tests beside them.
        unverified: Identities of records whose statistics are not there.
    """
    done = [record for record in records if record.status == "success" and record.primary is not None]
    full = [record for record in done if record.limit is None and benchmark_of(record) is not None]
    columns: defaultdict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in full:
        columns[record.benchmark, record.protocol.fingerprint, record.data.fingerprint].append(record)
    of_columns: tuple[Callable[[Sequence[Record]], list[Flag]], ...] = (
        _below_baseline,
        _identical,
        _not_final,
        _packages,
    )
    of_records: tuple[Callable[[Record], list[Flag]], ...] = (_edge, _nan, _dirty, _limited)
    flags = [flag for find in of_columns for column in columns.values() for flag in find(column)]
    flags += [flag for find in of_records for record in done for flag in find(record)]
    flags += _descriptions(full)
    flags += [
        Flag("unverified", record.benchmark, f"{_who(record)}: no per-image statistics", (record.id,))
        for record in full
        if record.id in unverified
    ]
    order = (
        "below-baseline",
        "identical",
        "edge",
        "nan",
        "not-final",
        "dirty",
        "packages",
        "description",
        "limited",
        "unverified",
    )
    return sorted(flags, key=lambda flag: order.index(flag.kind))


def summarise(flags: Sequence[Flag]) -> list[str]:
    """Writes flags as lines; those that many records share take one line."""
    shared = {
        "dirty": "from a checkout with uncommitted changes",
        "unverified": "without per-image statistics, so without an interval",
        "limited": "with --limit",
    }
    alone = [flag for flag in flags if flag.kind not in {*shared, "edge"}]
    lines = [f"{flag.kind}: {flag.benchmark}: {flag.text}" for flag in alone]
    for kind, text in shared.items():
        count = sum(flag.kind == kind for flag in flags)
        if count:
            lines.append(f"{kind}: {count} run{'s' if count > 1 else ''} {text}")
    return list(dict.fromkeys(lines + _edges(flags)))


def _edges(flags: Sequence[Flag]) -> list[str]:
    """Counts sweeps at the end of a grid on one line: a line for each setting would drown the other flags."""
    edges = [flag for flag in flags if flag.kind == "edge"]
    if not edges:
        return []
    counts = Counter(f"{flag.benchmark} {flag.setting}" for flag in edges)
    where = ", ".join(f"{what} {count}" for what, count in counts.items())
    total = len({flag.records for flag in edges})  # one sweep may end several grids
    return [
        f"edge: {total} sweep{'s' if total > 1 else ''} chose the end of a grid, a better value may lie beyond: {where}"
    ]


def _below_baseline(column: Sequence[Record]) -> list[Flag]:
    baselines = [record for record in column if record.model.checkpoint == PIXEL_BASELINE]
    if not baselines:
        return []
    baseline = baselines[-1]
    sign = 1 if baseline.primary.higher_is_better else -1
    return [
        Flag(
            "below-baseline",
            record.benchmark,
            f"{_who(record)} scores {record.primary.value:.3f}, raw pixel colours {baseline.primary.value:.3f}",
            (record.id, baseline.id),
        )
        for record in column
        if record.model.checkpoint != PIXEL_BASELINE and sign * record.primary.value < sign * baseline.primary.value
    ]


def _identical(column: Sequence[Record]) -> list[Flag]:
    by_score: defaultdict[tuple[float, int], dict[str, Record]] = defaultdict(dict)
    for record in column:
        by_score[record.primary.value, record.seed][record.model.checkpoint_sha256] = record
    return [
        Flag(
            "identical",
            same[0].benchmark,
            f"{' and '.join(_who(record) for record in same)} score exactly the same, {score:.3f}",
            tuple(record.id for record in same),
        )
        for (score, _), group in by_score.items()
        if len(same := list(group.values())) > 1
    ]


def _edge(record: Record) -> list[Flag]:
    """A grid of two values has nothing but edges, so it takes three to say something."""
    selection = record.selection or {}
    chosen, candidates = selection.get("chosen"), selection.get("candidates")
    if not isinstance(chosen, dict) or not isinstance(candidates, list):
        return []
    flags = []
    for key, value in chosen.items():
        grid = sorted({each[key] for each in candidates if key in each}) if _is_setting(key, value) else []
        if len(grid) > 2 and value in {grid[0], grid[-1]}:
            end = "least" if value == grid[0] else "largest"
            text = f"{_who(record)}: {key} {value:g} was chosen, the {end} of its grid"
            flags.append(Flag("edge", record.benchmark, text, (record.id,), key))
    return flags


def _is_setting(key: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and not key.endswith(_SCORE_SUFFIXES)


def _nan(record: Record) -> list[Flag]:
    """NaN is null in a record; lists, such as the IoU of each class, may hold null for classes that do not occur."""
    nan_metrics = [name for name, value in (record.metrics or {}).items() if _is_nan(value)]
    candidates = (record.selection or {}).get("candidates") or []
    diverged = [
        each for each in candidates if isinstance(each, dict) and any(_is_nan(value) for value in each.values())
    ]
    texts = [f"{_who(record)}: {name} is NaN" for name in nan_metrics]
    if diverged:
        texts.append(f"{_who(record)}: {len(diverged)} of {len(candidates)} candidates of the sweep have NaN scores")
    return [Flag("nan", record.benchmark, text, (record.id,)) for text in texts]


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _not_final(column: Sequence[Record]) -> list[Flag]:
    """Models called ``NAME@300k`` are checkpoints of one training run; which is shown must not follow the score."""
    series: defaultdict[tuple[str, int], dict[int, Record]] = defaultdict(dict)
    for record in column:
        run, step = run_and_step(record.model.name)
        if step is not None:
            series[run, record.seed][step] = record
    flags = []
    for (run, _), by_step in series.items():
        last = by_step[max(by_step)]
        sign = 1 if last.primary.higher_is_better else -1
        best = max(by_step.values(), key=lambda record: sign * record.primary.value)
        if sign * best.primary.value > sign * last.primary.value:
            text = (
                f"{run}: {best.model.name} scores {best.primary.value:.3f}, "
                f"the last, {last.model.name}, {last.primary.value:.3f}"
            )
            flags.append(Flag("not-final", last.benchmark, text, (best.id, last.id)))
    return flags


def _packages(column: Sequence[Record]) -> list[Flag]:
    versions: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in column:
        for package, version in record.environment.packages.items():
            versions[package][version].append(record.id)
    return [
        Flag(
            "packages",
            column[0].benchmark,
            f"{package} {', '.join(f'{name} ({len(ids)})' for name, ids in sorted(ids_of.items()))} in one column",
            tuple(identity for ids in ids_of.values() for identity in ids),
        )
        for package, ids_of in sorted(versions.items())
        if len(ids_of) > 1
    ]


def _descriptions(records: Sequence[Record]) -> list[Flag]:
    """Names data of one's own whose protocols were run before and after its description was edited.

    Under one protocol records of other data are left out; sections of several stand below each other in one column.
    """
    columns: defaultdict[str, defaultdict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        if record.data.description_hash is not None:
            columns[record.benchmark][record.data.description_hash].append(record)
    return [
        Flag(
            "description",
            name,
            f"{len(found)} descriptions of the data in one column; compare within a protocol only",
            tuple(record.id for own in found.values() for record in own),
        )
        for name, found in columns.items()
        if len(found) > 1
    ]


def _dirty(record: Record) -> list[Flag]:
    text = f"{_who(record)}: the checkout had uncommitted changes"
    return [Flag("dirty", record.benchmark, text, (record.id,))] if record.environment.git_dirty else []


def _limited(record: Record) -> list[Flag]:
    if record.limit is None:
        return []
    return [Flag("limited", record.benchmark, f"{_who(record)}: {record.limit} images of each split", (record.id,))]


def _who(record: Record) -> str:
    return record.model.name if record.seed == 0 else f"{record.model.name}, seed {record.seed}"
