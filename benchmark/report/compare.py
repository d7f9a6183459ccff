"""Compares two models, benchmark by benchmark, on the same images under the same protocol.

Nothing unpaired is compared: protocol and data fingerprints, images and seeds must agree; what does not is reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.benchmarks import Benchmark, benchmark_of, in_order
from benchmark.errors import UsageError, did_you_mean
from benchmark.records.ratio_of_sums import Ratios
from benchmark.records.schema import Record
from benchmark.report.patch_tokens import tokens_text
from benchmark.report.rows import protocol_label
from benchmark.report.statistics.differences import (
    ClassDelta,
    PerImage,
    class_deltas,
    delta_interval,
    per_image_outcomes,
    scored_in_first_only,
)
from benchmark.report.statistics.estimates import Estimates, Pair
from benchmark.report.statistics.intervals import Interval, seed_spread
from benchmark.report.statistics.verdict import Family, Word, family_of, key_of, verdict

_HASH = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True)
class Comparison:
    """One benchmark of both models; a delta is the second minus the first, in the metric's unit."""

    benchmark: Benchmark
    protocol: str
    images: int
    tokens: str
    """Patch tokens per image, of both where they differ."""

    seeds: tuple[int, ...]
    """Seeds both have; they are averaged."""

    first: float
    second: float
    delta: float
    interval: Interval | None
    """95 % interval of the delta, over images."""

    p: float
    """Two-sided p-value of random exchange."""

    p_holm: float
    """The same, corrected for the family of comparisons it belongs to."""

    verdict: Word
    """On the second model."""

    seed_std: float | None
    """Standard deviation of the delta over seeds, None for one seed."""

    per_image: PerImage
    per_class: tuple[ClassDelta, ...]
    """Classes scored in both, largest gain first; empty for depth."""

    only_first: tuple[int, ...]
    """Classes scored in the first only: they do not occur in the data and the second never predicts them."""

    only_second: tuple[int, ...]
    """Likewise, in the second only."""

    records: tuple[tuple[str, ...], tuple[str, ...]]
    """Identities of both sides' records, by seed."""


@dataclass(frozen=True)
class Comparisons:
    """Everything that could be compared, and what could not."""

    first: str
    second: str
    made: list[Comparison]
    unpaired: list[str]
    """One line for each benchmark that could not be compared, with the reason."""

    family: int
    """Comparisons that p-values are corrected for (see ``verdict.py``)."""


def select(records: Sequence[Record], wanted: str) -> list[Record]:
    """Returns the successful records of a record identity, a model's name or the beginning of a checkpoint's hash.

    A record is taken by its identity even if it is a smoke test; models are compared on full runs.

    Raises:
        UsageError: Nothing is called that, or several checkpoints are.
    """
    done = [record for record in records if record.status == "success" and record.primary is not None]
    by_id = [record for record in done if record.id == wanted]
    if by_id:
        return by_id
    full = [record for record in done if record.limit is None]
    selected = [record for record in full if record.model.name == wanted]
    if not selected and _HASH.fullmatch(wanted):
        selected = [record for record in full if record.model.checkpoint_sha256.startswith(wanted)]
    if not selected:
        known = sorted({record.model.name for record in full})
        near = did_you_mean(wanted, known)
        raise UsageError(
            f"no successful full run of {wanted!r}{near}; give a record, the beginning of a checkpoint's hash (6 "
            f"digits or more) or a name: {', '.join(known)}"
        )
    checkpoints = sorted({record.model.checkpoint_sha256 for record in selected})
    if len(checkpoints) > 1:
        raise UsageError(
            f"{wanted!r} is the name of {len(checkpoints)} checkpoints; give the hash: "
            f"{', '.join(checkpoint[:12] for checkpoint in checkpoints)}"
        )
    return selected


def compare(first: Sequence[Record], second: Sequence[Record], estimates: Estimates, page: Family) -> Comparisons:
    """Compares two selections on everything they share.

    Args:
        first: Records of a model.
        second: Records of another.
        estimates: Where statistics are read and p-values cached.
        page: The comparisons of the report page.

    Raises:
        UsageError: Nothing is paired, or both are the same.
        RecordError: Statistics are missing or damaged, or images differ.
    """
    if {record.id for record in first} == {record.id for record in second}:
        raise UsageError(f"both are {_name(first)}: there is nothing to compare")
    ones, others = _by_column(first), _by_column(second)
    common = [key for key in ones if key in others]
    unpaired = _unpaired(ones, others)
    if not common:
        raise UsageError(f"{_name(first)} and {_name(second)} have nothing in common: {'; '.join(unpaired)}")
    pairs: list[Pair] = []
    places = list(_benchmarks(ones, others))
    for key in sorted(common, key=lambda key: (places.index(key[0]), key)):
        seeds = sorted(ones[key].keys() & others[key].keys())
        if seeds:
            pairs.append(([ones[key][seed] for seed in seeds], [others[key][seed] for seed in seeds]))
        else:
            unpaired.append(f"{key[0]}: seeds {sorted(ones[key])} and {sorted(others[key])} have none in common")
    if not pairs:
        raise UsageError(f"{_name(first)} and {_name(second)} have nothing in common: {'; '.join(unpaired)}")
    read = [estimates.pair(pair) for pair in pairs]  # raises for what is missing
    family = family_of(pairs, page, estimates)
    made = [_compare(pair, ratios, family) for pair, ratios in zip(pairs, read, strict=True)]
    estimates.save()
    on_page = all(key_of(pair) in page.p for pair in pairs)
    return Comparisons(_name(first), _name(second), made, unpaired, len(page) if on_page else len(family))


def _compare(pair: Pair, ratios: tuple[Ratios, Ratios], family: Family) -> Comparison:
    (first, second), (one, other) = pair, ratios
    record, key = first[0], key_of(pair)
    benchmark = benchmark_of(record)
    higher_is_better = benchmark.metric.higher_is_better
    delta = other.score() - one.score()
    by_seed = [b.primary.value - a.primary.value for a, b in zip(first, second, strict=True)]
    return Comparison(
        benchmark=benchmark,
        protocol=protocol_label(record.protocol.family, record.protocol.overrides),
        images=len(one.images),
        tokens=tokens_text([first[0], second[0]]),
        seeds=tuple(each.seed for each in first),
        first=one.score(),
        second=other.score(),
        delta=delta,
        interval=delta_interval([(one, other)]),
        p=family.p[key],
        p_holm=family.p_holm[key],
        verdict=verdict(delta, family.p_holm[key], higher_is_better=higher_is_better),
        seed_std=seed_spread(by_seed),
        per_image=per_image_outcomes(one, other, higher_is_better=higher_is_better),
        per_class=tuple(class_deltas(one, other)),
        only_first=scored_in_first_only(one, other),
        only_second=scored_in_first_only(other, one),
        records=(tuple(each.id for each in first), tuple(each.id for each in second)),
    )


_Column = tuple[str, str, str, int | None]


def _by_column(records: Sequence[Record]) -> dict[_Column, dict[int, Record]]:
    """Groups records by what must agree; the newest of each seed stays."""
    columns: defaultdict[_Column, dict[int, Record]] = defaultdict(dict)
    for record in records:  # oldest first
        if benchmark_of(record) is not None:
            key = (record.benchmark, record.protocol.fingerprint, record.data.fingerprint, record.limit)
            columns[key][record.seed] = record
    return dict(columns)


def _benchmarks(*sides: dict[_Column, dict[int, Record]]) -> dict[str, Benchmark]:
    """Returns the benchmarks of both sides, in the order of columns."""
    return in_order(benchmark_of(record) for side in sides for seeds in side.values() for record in seeds.values())


def _unpaired(ones: dict[_Column, dict[int, Record]], others: dict[_Column, dict[int, Record]]) -> list[str]:
    lines = []
    for benchmark in _benchmarks(ones, others):
        mine = {key: next(iter(by_seed.values())) for key, by_seed in ones.items() if key[0] == benchmark}
        theirs = {key: next(iter(by_seed.values())) for key, by_seed in others.items() if key[0] == benchmark}
        if mine.keys() & theirs.keys() or not (mine or theirs):
            continue
        if not mine or not theirs:
            lines.append(f"{benchmark}: only the {'second' if theirs else 'first'} has run it")
            continue
        a, b = next(iter(mine.values())), next(iter(theirs.values()))
        lines.append(f"{benchmark}: {_reason(a, b)}")
    return lines


def _reason(first: Record, second: Record) -> str:
    """Returns why two records of one benchmark cannot be paired."""
    if first.protocol.fingerprint != second.protocol.fingerprint:
        labels = [protocol_label(each.protocol.name, each.protocol.overrides) for each in (first, second)]
        versions = (
            f", versions {first.protocol.version} and {second.protocol.version}" if labels[0] == labels[1] else ""
        )
        return f"protocols differ, {labels[0]} and {labels[1]}{versions}"
    if first.data.fingerprint != second.data.fingerprint:
        return f"data differ, {_images(first)} and {_images(second)} (other files or other contents)"
    return f"--limit differs, {first.limit} and {second.limit}"


def _images(record: Record) -> str:
    return f"{record.data.splits.get('val')} val images"


def _name(records: Sequence[Record]) -> str:
    newest = records[-1].model
    return f"{newest.name} ({newest.checkpoint_sha256[:8]})"
