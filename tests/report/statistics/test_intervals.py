"""Intervals of a score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from benchmark.records.ratio_of_sums import Ratios
from benchmark.report.statistics.intervals import score_interval, seed_spread, wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (37_500, 50_000)])
def test_wilson_is_scipys(hits: int, trials: int) -> None:
    reference = scipy.stats.binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(hits, trials) == pytest.approx(tuple(reference), abs=1e-12)


def test_wilson_refuses_what_is_no_share() -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson_interval(3, 2)


def _hits(repeats: int) -> Ratios:
    values = np.random.default_rng(0).integers(0, 2, (repeats, 40, 1)).astype(float)
    labels = np.arange(40) % 5
    return Ratios(tuple(map(str, range(40))), np.zeros(1, int), values, np.ones_like(values), 100.0, labels)


def test_one_accuracy_takes_wilson_and_several_tries_the_bootstrap() -> None:
    assert score_interval(_hits(1)).method == "wilson"
    assert score_interval(_hits(3)).method == "bca"


def test_the_interval_holds_the_score(make_ratios: Callable[..., Ratios]) -> None:
    ratios = make_ratios(1)
    found = score_interval(ratios)
    assert found.method == "bca"
    assert found.low < ratios.score() < found.high


def test_there_is_no_interval_of_one_image(make_ratios: Callable[..., Ratios]) -> None:
    ratios = make_ratios(2)
    one = replace(ratios, images=("a",), numerator=ratios.numerator[:, :1], denominator=ratios.denominator[:, :1])
    assert score_interval(one) is None


def test_seed_spread_is_the_sample_standard_deviation() -> None:
    assert seed_spread([1.0, 2.0, 4.0]) == pytest.approx(np.std([1, 2, 4], ddof=1))
    assert seed_spread([1.0]) is None
