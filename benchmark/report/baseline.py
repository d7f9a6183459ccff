"""Which model the others are compared with, and the comparisons that makes: those of the report page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmark.benchmarks import BENCHMARKS
from benchmark.report.estimates import Pair
from benchmark.report.flags import FLOOR
from benchmark.report.rows import Cell, Row

MOST = 16
"""Models that are compared with one baseline; each costs a bootstrap when it is new."""


@dataclass(frozen=True)
class AgainstBaseline:
    """One model and its baseline on one benchmark."""

    benchmark: str
    row: Row
    baseline: Row

    @property
    def pair(self) -> Pair | None:
        """Records of the baseline and the model, of the seeds that both have; None if they share none."""
        return common_seeds(self.baseline.cells[self.benchmark], self.row.cells[self.benchmark])


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
    found = []
    for label, group in groupby(rows, key=lambda row: row.label):
        own = list(group)
        baseline = choose_baseline(own)
        others = [row for row in own if row is not baseline]
        shown = sorted(others, key=_newest)[-MOST:] if len(others) > MOST else others
        made = [
            AgainstBaseline(name, row, baseline)
            for name in BENCHMARKS
            for row in shown
            if name in row.cells and name in baseline.cells
        ]
        found.append(LabelComparisons(label, baseline, made, len(others) - len(shown)))
    return found


def choose_baseline(rows: Sequence[Row]) -> Row:
    """Returns the model that ran first and is neither the floor nor specialised; the floor if it has one rival only."""
    real = [row for row in rows if row.model.checkpoint != FLOOR]
    if len(real) < 2:
        return next((row for row in rows if row.model.checkpoint == FLOOR), rows[0])
    plain = [row for row in real if row.model.specialization == "none"]
    return min(plain or real, key=_oldest)


def common_seeds(first: Cell, second: Cell) -> Pair | None:
    """Returns the records of two cells of the seeds that both have, in order; None if there is none."""
    ours, theirs = ({record.seed: record for record in cell.records} for cell in (first, second))
    seeds = sorted(ours.keys() & theirs.keys())
    return ([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]) if seeds else None


def _oldest(row: Row) -> tuple[str, str]:
    return min((record.created, record.id) for cell in row.cells.values() for record in cell.records)


def _newest(row: Row) -> tuple[str, str]:
    return max((record.created, record.id) for cell in row.cells.values() for record in cell.records)
