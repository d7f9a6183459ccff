"""``results/leaderboard.csv``: one row per checkpoint and protocol, one column per benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.benchmarks import BENCHMARKS, Average, Benchmark, averages, in_order
from benchmark.metric import Metric
from benchmark.records.schema import Record
from benchmark.report.grouping import make_rows
from benchmark.report.rows import Row, benchmarks_of
from benchmark.report.statistics.estimates import Estimates


@dataclass(frozen=True)
class LeaderboardColumn:
    """One column: what a row has in it, as a number if it is one, and as text."""

    name: str
    value: Callable[[Row], str | float | None]
    """What a row has in this column, None for nothing."""

    decimals: int | None = None
    """Digits after the point of a number, None for text."""

    metric: Metric | None = None
    """Of a score or an average."""

    selects: bool = True
    """Whether rows can be filtered and sorted by it."""

    def number(self, row: Row) -> float | None:
        """Returns the number of a row at the precision that is printed, None where there is none."""
        value = self.value(row)
        return None if value is None else round(float(value), self.decimals)

    def text(self, row: Row) -> str | None:
        """Returns what is printed for a row, None for an empty field."""
        value = self.value(row)
        return value if value is None or self.decimals is None else f"{value:.{self.decimals}f}"


@dataclass(frozen=True)
class Leaderboard:
    """Rows with their numbers, the columns they are printed in, and what was left out."""

    rows: list[Row]
    columns: list[LeaderboardColumn]
    left_out: list[str]
    """One line per record or group of records that was left out, with the reason."""

    @property
    def table(self) -> pd.DataFrame:
        """The rows as text with fixed decimals; missing entries are empty."""
        lines = [[column.text(row) for column in self.columns] for row in self.rows]
        return pd.DataFrame(lines, columns=[column.name for column in self.columns])


NAME = LeaderboardColumn("name", lambda row: row.model.name)
ARCH = LeaderboardColumn("arch", lambda row: row.model.arch)
REGISTERS = LeaderboardColumn("registers", lambda row: row.model.num_registers, 0)
ATTENTION_BIAS = LeaderboardColumn("attention_bias", lambda row: "yes" if row.model.attention_bias else "no")
SPECIALIZATION = LeaderboardColumn("specialization", lambda row: row.model.specialization)
PARAMS = LeaderboardColumn("params_m", lambda row: row.model.params / 1e6, 2)
OVERHEAD = LeaderboardColumn("overhead_pct", lambda row: row.model.overhead_pct, 2)
SEEDS = LeaderboardColumn("seeds", lambda row: "/".join(map(str, row.seed_counts)), selects=False)


def make_leaderboard(records: Sequence[Record], estimates: Estimates | None = None) -> Leaderboard:
    """Builds the leaderboard from successful, unlimited records.

    A cell that was run several times counts with its newest record; several seeds are averaged.
    """
    rows, left_out = make_rows(records, estimates)
    return Leaderboard(rows, columns(benchmarks_of(rows).values()), left_out)


def columns(benchmarks: Iterable[Benchmark]) -> list[LeaderboardColumn]:
    """Returns the columns: of all benchmarks that ship, so that the file keeps its shape, and of others.

    Args:
        benchmarks: Those that some row has a score of.
    """
    patch_size = LeaderboardColumn("patch_size", lambda row: row.model.patch_size, 0)
    model = [NAME, ARCH, patch_size, REGISTERS, ATTENTION_BIAS, SPECIALIZATION, PARAMS, OVERHEAD]
    scores = [
        column
        for benchmark in in_order([*BENCHMARKS.values(), *benchmarks]).values()
        for column in (_score(benchmark), _interval(benchmark))
    ]
    protocol = LeaderboardColumn("protocol", lambda row: row.label)
    checkpoint = LeaderboardColumn("checkpoint_sha256", lambda row: row.model.checkpoint_sha256)
    return [*model, *scores, *map(_average, averages()), protocol, SEEDS, checkpoint]


def average_of(row: Row, average: Average) -> float | None:
    """Returns an average over a row's benchmarks, None unless all its members are there."""
    if any(member not in row.scores for member in average.members):
        return None
    return float(np.mean([row.scores[member].value for member in average.members]))


def _score(benchmark: Benchmark) -> LeaderboardColumn:
    def value(row: Row) -> float | None:
        score = row.scores.get(benchmark.name)
        return None if score is None else score.value

    return LeaderboardColumn(benchmark.column, value, benchmark.metric.decimals, benchmark.metric)


def _interval(benchmark: Benchmark) -> LeaderboardColumn:
    def value(row: Row) -> str | None:
        score = row.scores.get(benchmark.name)
        if score is None or score.interval is None:
            return None
        return f"{benchmark.metric.text(score.interval.low)}-{benchmark.metric.text(score.interval.high)}"

    return LeaderboardColumn(f"{benchmark.column}_ci95", value, selects=False)


def _average(average: Average) -> LeaderboardColumn:
    return LeaderboardColumn(
        average.name, lambda row: average_of(row, average), average.metric.decimals, average.metric
    )


def long_form(records: Sequence[Record]) -> pd.DataFrame:
    """Lays records out as one line each."""
    return pd.DataFrame(
        [
            {
                "id": record.id,
                "status": record.status,
                "benchmark": record.benchmark,
                "name": record.model.name,
                "arch": record.model.arch,
                "protocol": record.protocol.name,
                "overrides": " ".join(record.protocol.overrides),
                "fingerprint": record.protocol.fingerprint,
                "data_fingerprint": record.data.fingerprint,
                "seed": record.seed,
                "limit": record.limit if record.limit is not None else "",
                "metric": record.primary.name if record.primary else "",
                "value": f"{record.primary.value:.6f}" if record.primary else "",
                "wall_s": record.cost.wall_s if record.cost else "",
                "checkpoint_sha256": record.model.checkpoint_sha256,
            }
            for record in records
        ],
        columns=[
            *("id", "status", "benchmark", "name", "arch", "protocol", "overrides", "fingerprint"),
            *("data_fingerprint", "seed", "limit", "metric", "value", "wall_s", "checkpoint_sha256"),
        ],
    )
