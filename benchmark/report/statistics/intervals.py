"""95 % intervals of a score: how much it would vary with other images of the same kind.

Intervals over images do not cover variance over seeds or trainings: see ``seed_spread`` for the seed of a
probe, ``student_interval`` for the seed of a training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np

from benchmark.records.ratio_of_sums import Ratios
from benchmark.report.statistics.bootstrap import bca_interval, bootstrap, jackknife


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, over images unless its method says otherwise."""

    low: float
    high: float
    method: str
    """``bca``: bootstrap of 10,000 replicates; ``wilson``: of a single accuracy; ``student``: over trainings."""


def score_interval(ratios: Ratios) -> Interval | None:
    """Returns the interval of a score: Wilson for one accuracy, BCa for everything else.

    Several seeds are averaged on the same drawn images. With fewer than two images there is no interval.
    """
    if len(ratios.images) < 2:
        return None
    if _is_one_accuracy(ratios):
        hits, images = ratios.numerator.sum(), ratios.denominator.sum()
        low, high = wilson_interval(int(hits), int(images))
        return Interval(ratios.scale * low, ratios.scale * high, "wilson")
    [replicates] = bootstrap([ratios])
    return Interval(*bca_interval(ratios.score(), replicates, [jackknife(ratios)]), "bca")


def wilson_interval(hits: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Returns Wilson's score interval of a share (JASA 22, 1927).

    Raises:
        ValueError: No trials, or more hits than trials.
    """
    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"{hits} hits in {trials} trials are not a proportion")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = hits / trials, z**2 / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def seed_spread(values: Sequence[float]) -> float | None:
    """Returns the standard deviation of a score over seeds, None for one seed."""
    return stdev(values) if len(values) > 1 else None


def student_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval | None:
    """Returns Student's interval of the mean of independent values (Biometrika 6, 1908), None for fewer than two."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit  # noqa: PLC0415  (slow to import, and few tables need it)

    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * stdev(values) / math.sqrt(len(values))
    return Interval(fmean(values) - half, fmean(values) + half, "student")


def _is_one_accuracy(ratios: Ratios) -> bool:
    if ratios.labels is None or ratios.repeats != 1:
        return False
    return bool(np.isin(ratios.numerator, (0, 1)).all() and (ratios.denominator == 1).all())
