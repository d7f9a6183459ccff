"""A row: a checkpoint under a protocol, with its score on every benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark.benchmarks import Benchmark, in_order
from benchmark.records.schema import ModelInfo, Record
from benchmark.report.statistics.intervals import Interval


@dataclass(frozen=True)
class Score:
    """A number of a table, and the records it was made of."""

    benchmark: Benchmark
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

    scores: dict[str, Score]
    """By name of the benchmark, in the order of columns."""

    @property
    def seed_counts(self) -> tuple[int, ...]:
        """Over how many seeds its scores are averaged, each number once, ascending."""
        return tuple(sorted({len(score.records) for score in self.scores.values()}))


def protocol_label(family: str, overrides: Sequence[str]) -> str:
    """Names the protocol of a row."""
    return family + (f" ({' '.join(overrides)})" if overrides else "")


def benchmarks_of(rows: Iterable[Row]) -> dict[str, Benchmark]:
    """Returns the benchmarks that some row has a score of, by name, in the order of columns."""
    return in_order(score.benchmark for row in rows for score in row.scores.values())
