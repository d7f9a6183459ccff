"""Which model the others are compared with, and these comparisons: the family that the report page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmark.benchmarks import Benchmark
from benchmark.errors import RecordError
from benchmark.report.flags import PIXEL_BASELINE
from benchmark.report.rows import Row, Score, benchmarks_of
from benchmark.report.statistics.estimates import Estimates, Pair
from benchmark.report.statistics.verdict import Family, PairKey, key_of

MOST = 16
"""Models that are compared with one baseline; each costs a bootstrap when it is new."""


@dataclass(frozen=True)
class AgainstBaseline:
    """One model and its baseline on one benchmark."""

    benchmark: Benchmark
    row: Row
    baseline: Row

    @property
    def pair(self) -> Pair | None:
        """Records of the baseline and the model, of the seeds that both have; None if they share none."""
        return common_seeds(self.baseline.scores[self.benchmark.name], self.row.scores[self.benchmark.name])


@dataclass(frozen=True)
class LabelComparisons:
    """The models of one protocol against their baseline."""

    label: str
    baseline: Row
    made: list[AgainstBaseline]
    left_out: int
    """Older models beyond ``MOST``."""


def against_baselines(rows: Sequence[Row]) -> list[LabelComparisons]:
    """Compares the models of each label with its baseline, on every benchmark that both have.

    Args:
        rows: Rows of the leaderboard, labels together.
    """
    comparisons = []
    for label, group in groupby(rows, key=lambda row: row.label):
        same_label = list(group)
        baseline = choose_baseline(same_label)
        others = [row for row in same_label if row is not baseline]
        shown = sorted(others, key=_newest)[-MOST:] if len(others) > MOST else others
        made = [
            AgainstBaseline(benchmark, row, baseline)
            for name, benchmark in benchmarks_of([baseline]).items()
            for row in shown
            if name in row.scores
        ]
        comparisons.append(LabelComparisons(label, baseline, made, len(others) - len(shown)))
    return comparisons


def page_family(rows: Sequence[Row], estimates: Estimates) -> Family:
    """Returns the comparisons of the report page, those that cannot be paired left out.

    Args:
        rows: Rows of the leaderboard.
        estimates: Where p-values come from.
    """
    pairs = [each.pair for compared in against_baselines(rows) for each in compared.made]
    return Family.of(_p_values([pair for pair in pairs if pair is not None], estimates))


def choose_baseline(rows: Sequence[Row]) -> Row:
    """Returns the first model that ran and is not specialised; the pixel baseline if it has only one rival."""
    real = [row for row in rows if row.model.checkpoint != PIXEL_BASELINE]
    if len(real) < 2:
        return next((row for row in rows if row.model.checkpoint == PIXEL_BASELINE), rows[0])
    plain = [row for row in real if row.model.specialization == "none"]
    return min(plain or real, key=_oldest)


def common_seeds(first: Score, second: Score) -> Pair | None:
    """Returns the records of two scores of the seeds that both have, in order; None if there is none."""
    ours, theirs = ({record.seed: record for record in score.records} for score in (first, second))
    seeds = sorted(ours.keys() & theirs.keys())
    return ([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]) if seeds else None


def _oldest(row: Row) -> tuple[str, str]:
    return min((record.created, record.id) for score in row.scores.values() for record in score.records)


def _newest(row: Row) -> tuple[str, str]:
    return max((record.created, record.id) for score in row.scores.values() for record in score.records)


def _p_values(pairs: Sequence[Pair], estimates: Estimates) -> dict[PairKey, float]:
    p_values = {}
    for pair in pairs:
        try:
            p = estimates.p_value(pair)
        except RecordError:  # the page names what cannot be paired
            continue
        if p is not None:
            p_values[key_of(pair)] = p
    return p_values
