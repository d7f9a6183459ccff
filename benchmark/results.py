"""Results for Python: records as a table. Imports no torch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.benchmarks import benchmark_of
from benchmark.errors import RecordError
from benchmark.records.schema import Record
from benchmark.report.collect import collect
from benchmark.report.long_table import long_table, newest_of_each_cell
from benchmark.report.statistics.estimates import Estimates
from benchmark.report.statistics.intervals import Interval


@dataclass(frozen=True, repr=False)
class Results:
    """Records with their intervals. Notebooks show them as a table."""

    records: tuple[Record, ...]
    """In the order of the benchmarks asked for; of a failure too."""

    intervals: Mapping[str, Interval]
    """95 % interval over images, by identity of a record that has one."""

    @property
    def scores(self) -> dict[str, float]:
        """Values by column of the leaderboard, ``{"ade20k_miou": 41.8}``, as loggers take them."""
        return {_column(record): record.primary.value for record in self.records if record.primary is not None}

    def to_frame(self) -> pd.DataFrame:
        """Returns one row for each score; see `benchmark.report.long_table.COLUMNS`."""
        return long_table(self.records, self.intervals)

    def __repr__(self) -> str:
        return self._shown().to_string(index=False) if self.records else "no results"

    def _repr_html_(self) -> str:
        return self._shown().to_html(index=False, escape=True, border=0)

    def _shown(self) -> pd.DataFrame:
        lines = [
            {
                "model": record.model.name,
                "benchmark": record.benchmark,
                "score": self._score(record),
                "95 % interval": self._interval(record),
                "protocol": " ".join((record.protocol.name, *record.protocol.overrides)),
                "seed": record.seed,
            }
            for record in self.records
        ]
        return pd.DataFrame(lines, columns=["model", "benchmark", "score", "95 % interval", "protocol", "seed"])

    def _score(self, record: Record) -> str:
        if record.primary is None:
            return "failed"
        benchmark = benchmark_of(record)
        if benchmark is None:
            return f"{record.primary.name} {record.primary.value:g}"
        return f"{benchmark.metric.title} {benchmark.metric.with_unit(record.primary.value)}"

    def _interval(self, record: Record) -> str:
        interval, benchmark = self.intervals.get(record.id), benchmark_of(record)
        if interval is None or benchmark is None:
            return ""
        return f"{benchmark.metric.text(interval.low)} to {benchmark.metric.text(interval.high)}"


def make_results(records: Sequence[Record], folder: Path) -> Results:
    """Makes results of records, with the intervals their statistics give.

    Args:
        records: In the order of the results.
        folder: Results folder that holds them.

    Raises:
        RecordError: Statistics of a record are damaged.
    """
    estimates = Estimates(folder)
    found = {each.id: estimates.score([each]) for each in records if each.primary is not None}
    estimates.save()
    intervals = {name: each.interval for name, each in found.items() if each is not None and each.interval is not None}
    return Results(tuple(records), intervals)


def load_results(folder: str | Path) -> pd.DataFrame:
    """Reads a results folder as a table for plots and statistics: one row for each cell, with its newest success.

    Cells that failed have no row; those with ``limit`` have one. A record that cannot be trusted, because it is damaged
    or was edited, is left out with a warning. Intervals that no table has asked for yet are computed, which takes a
    second or two each, and kept in the folder.

    Args:
        folder: What ``--results`` named, or ``results`` of `benchmark.evaluate`.

    Returns:
        A table with the columns of `benchmark.report.long_table.COLUMNS`, oldest record first. A curve over training:
        ``load_results("results").query("benchmark == 'ade20k'").plot(x="step", y="value")``.

    Raises:
        RecordError: There is no such results folder.
    """
    results = Path(folder)
    if not (results / "runs").is_dir():
        raise RecordError(f"{results} is not a results folder: it has no runs/; give the folder that --results named")
    found = collect(results)
    for problem in found.problems:
        warnings.warn(f"{results}: left out: {problem}", stacklevel=2)
    kept = [record for record in newest_of_each_cell(found.records) if record.primary is not None]
    unread = [record for record in kept if record.id not in found.unverified and benchmark_of(record) is not None]
    intervals = {record.id: found.estimates.score([record]) for record in unread}
    found.estimates.save()
    return long_table(kept, {key: each.interval for key, each in intervals.items() if each and each.interval})


def _column(record: Record) -> str:
    benchmark = benchmark_of(record)
    return record.benchmark if benchmark is None else benchmark.column
