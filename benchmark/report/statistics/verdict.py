"""Is one model better than another? The same verdict everywhere.

A difference is shown where the p-value of random exchange, corrected after Holm, is below 0.05 (``differences.py``).
The family that is corrected for is every comparison of the report page, since a reader sees them together: so
``compare`` and the page agree on every pair, and another model on the page makes both more conservative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.report.statistics.differences import holm
from benchmark.report.statistics.estimates import Estimates, Pair

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


def family_of(pairs: Sequence[Pair], page: Family, estimates: Estimates) -> Family:
    """Returns the page's comparisons, corrected as there, and those of ``pairs`` that the page does not show.

    The latter are corrected for themselves and all of the page.

    Raises:
        RecordError: Statistics are damaged, or images differ.
    """
    asked = {key_of(pair): p for pair in pairs if (p := estimates.p_value(pair)) is not None}
    both = Family.of({**page.p, **asked})
    return Family(both.p, {**both.p_holm, **page.p_holm})


def verdict(delta: float, p_holm: float, *, higher_is_better: bool) -> Word:
    """Returns in a word what a difference, second - first, means for the second model."""
    if p_holm >= SIGNIFICANT or delta == 0:
        return "no difference shown"
    return "better" if (delta > 0) == higher_is_better else "worse"
