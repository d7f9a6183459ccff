"""Scores and intervals from per-image statistics, cached in ``results/intervals.json``.

A record is never edited, so its interval is written beside the records instead. The file is derived: it can be deleted,
and one that cannot be read is computed again. An entry is valid as long as size and end of its parquet files are the
same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.atomic import atomic_write
from benchmark.benchmarks import benchmark_of
from benchmark.errors import RecordError
from benchmark.records.per_image import file_mark
from benchmark.records.ratio_of_sums import Ratios, join_repeats
from benchmark.records.schema import Record
from benchmark.report.statistics.differences import delta_interval, exchange_test, on_common_classes
from benchmark.report.statistics.intervals import Interval, score_interval

_VERSION = 1  # raise it when the numbers of a method change

_SILENT_S = 10.0


@dataclass(frozen=True)
class Estimate:
    """A number recomputed from statistics."""

    value: float
    interval: Interval | None


Pair = tuple[Sequence[Record], Sequence[Record]]
"""Records of two models on one benchmark: the same seeds in the same order."""


class Estimates:
    """Estimates of one results folder.

    Args:
        results: Folder that holds ``runs/``.
        say: Called with the progress at the first interval that is computed and every ten seconds.
    """

    def __init__(self, results: Path, say: Callable[[str], None] = lambda _: None) -> None:
        self.runs = results / "runs"
        self._path = results / "intervals.json"
        self._say = say
        self._entries = _read(self._path)
        self._changed = False
        self._computed, self._silent_until = 0, 0.0

    def score(self, records: Sequence[Record]) -> Estimate | None:
        """Estimates the mean score of records that differ in their seed; None if some statistics file is missing.

        Raises:
            RecordError: A statistics file is damaged or holds nothing to score, or the records have different images.
        """

        def compute() -> dict[str, Any]:
            ratios = self.ratios(records)
            return _entry(ratios.score(), score_interval(ratios))

        return _estimate(self._cached(_ids(records), records, compute))

    def delta(self, pairs: Sequence[Pair]) -> Estimate | None:
        """Estimates the mean over benchmarks of second - first; None if some statistics file is missing.

        Raises:
            RecordError: A statistics file is damaged or holds nothing to score, or the images of a pair differ.
        """

        def compute() -> dict[str, Any]:
            read = [self.pair(pair) for pair in pairs]
            value = sum(second.score() - first.score() for first, second in read) / len(read)
            return _entry(value, delta_interval(read))

        names = (f"{_ids(first)} > {_ids(second)}" for first, second in pairs)
        records = [record for pair in pairs for side in pair for record in side]
        return _estimate(self._cached("; ".join(names), records, compute))

    def p_value(self, pair: Pair) -> float | None:
        """Returns the two-sided p-value of random exchange; None if some statistics file is missing.

        Raises:
            RecordError: A statistics file is damaged or holds nothing to score, or the images of the pair differ.
        """
        first, second = sorted(pair, key=_ids)  # two-sided, so one entry serves both directions
        entry = self._cached(
            f"p: {_ids(first)} > {_ids(second)}",
            [*first, *second],
            lambda: {"p": exchange_test(*self.pair((first, second)))},
        )
        return None if entry is None else entry["p"]

    def ratios(self, records: Sequence[Record]) -> Ratios:
        """Reads the statistics of records that differ in their seed.

        Raises:
            RecordError: A file is missing or damaged, or the records have different images.
        """
        read = [self._read(record) for record in records]
        try:
            return join_repeats(read)
        except ValueError as error:
            raise RecordError(f"{', '.join(record.id for record in records)}: {error}") from error

    def pair(self, pair: Pair) -> tuple[Ratios, Ratios]:
        """Reads the statistics of two models on common classes.

        Raises:
            RecordError: A file is missing or damaged, or images or numbers of repeats differ.
        """
        first, second = (self.ratios(side) for side in pair)
        names = f"{pair[0][0].id} and {pair[1][0].id}"
        if first.images != second.images:
            only = sorted(set(first.images) ^ set(second.images))
            raise RecordError(
                f"{names} are not paired: {len(first.images)} and {len(second.images)} images, "
                f"{len(only)} of them in one only ({only[0]} for example)"
            )
        if first.repeats != second.repeats:
            raise RecordError(f"{names} are not paired: {first.repeats} and {second.repeats} repeats (seeds, tries)")
        return on_common_classes(first, second)

    def _read(self, record: Record) -> Ratios:
        benchmark = benchmark_of(record)
        if benchmark is None or record.per_image is None:
            raise RecordError(f"{record.id}: no per-image statistics")
        return benchmark.task.per_image.read(self.runs / record.per_image)

    def save(self) -> None:
        """Writes what was computed."""
        if self._changed:
            content = {"version": _VERSION, "entries": dict(sorted(self._entries.items()))}
            with atomic_write(self._path) as file:
                file.write(json.dumps(content, indent=1).encode() + b"\n")
            self._changed = False

    def _cached(
        self, key: str, records: Sequence[Record], compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any] | None:
        marks = [None if record.per_image is None else file_mark(self.runs / record.per_image) for record in records]
        if None in marks:
            return None
        entry = self._entries.get(key)
        if entry is None or entry["files"] != marks:
            self._report()
            try:
                entry = {"files": marks, **compute()}
            except ValueError as error:
                raise RecordError(f"{key}: {error}") from error
            self._entries[key], self._changed = entry, True
        return entry

    def _report(self) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._say("computing intervals" + (f", {self._computed} done" if self._computed else ""))
            self._silent_until = now + _SILENT_S
        self._computed += 1


def _ids(records: Sequence[Record]) -> str:
    return "+".join(record.id for record in records)


def _entry(value: float, interval: Interval | None) -> dict[str, Any]:
    return {"value": value, "interval": interval and asdict(interval)}


def _estimate(entry: dict[str, Any] | None) -> Estimate | None:
    if entry is None:
        return None
    return Estimate(entry["value"], entry["interval"] and Interval(**entry["interval"]))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content["entries"] if isinstance(content, dict) and content.get("version") == _VERSION else {}
