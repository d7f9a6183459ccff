"""Is one model better than another? One verdict, wherever it is said.

A difference is shown where the p-value of random exchange, corrected after Holm, is below 0.05 (``differences.py``).
The family that is corrected for is every comparison of the report page, since a reader sees them together: so
``compare`` and the page say the same of a pair, and another model on the page makes both more careful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.errors import RecordError
from benchmark.report.baseline import against_baselines
from benchmark.report.differences import holm
from benchmark.report.estimates import Estimates, Pair
from benchmark.report.rows import Row

SIGNIFICANT = 0.05

Word = Literal["better", "worse", "no difference shown"]

PairKey = frozenset[tuple[str, ...]]
"""Identities of the records of both sides, whichever comes first: the p-value is two-sided."""


@dataclass(frozen=True)
class Family:
    """Comparisons that are corrected together."""

    p: Mapping[PairKey, float]
    """p-value of each."""

    p_holm: Mapping[PairKey, float]
    """The same, corrected for their number."""

    @classmethod
    def of(cls, p_values: Mapping[PairKey, float]) -> Family:
        """Corrects p-values after Holm."""
        return cls(p_values, dict(zip(p_values, holm(list(p_values.values())), strict=True)))

    def __len__(self) -> int:
        return len(self.p)


def key_of(pair: Pair) -> PairKey:
    """Names a pair of models on one benchmark."""
    return frozenset(tuple(record.id for record in side) for side in pair)


def page_family(rows: Sequence[Row], estimates: Estimates) -> Family:
    """Returns the comparisons of the report page, those that cannot be paired left out.

    Args:
        rows: Rows of the leaderboard.
        estimates: Where p-values come from.
    """
    pairs = [each.pair for compared in against_baselines(rows) for each in compared.made]
    return Family.of(_p_values([pair for pair in pairs if pair is not None], estimates))


def family_of(pairs: Sequence[Pair], page: Family, estimates: Estimates) -> Family:
    """Returns the page's comparisons, corrected as there, and beside them those of ``pairs`` that do not stand there.

    The latter are corrected for themselves and all of the page.

    Raises:
        RecordError: Statistics are damaged, or images differ.
    """
    own = {key_of(pair): p for pair in pairs if (p := estimates.p_value(pair)) is not None}
    both = Family.of({**page.p, **own})
    return Family(both.p, {**both.p_holm, **page.p_holm})


def verdict(delta: float, p_holm: float, *, higher_is_better: bool) -> Word:
    """Says in a word what a difference, second - first, is for the second model."""
    if p_holm >= SIGNIFICANT or delta == 0:
        return "no difference shown"
    return "better" if (delta > 0) == higher_is_better else "worse"


def _p_values(pairs: Sequence[Pair], estimates: Estimates) -> dict[PairKey, float]:
    found = {}
    for pair in pairs:
        try:
            p = estimates.p_value(pair)
        except RecordError:  # the page names what cannot be paired
            continue
        if p is not None:
            found[key_of(pair)] = p
    return found
