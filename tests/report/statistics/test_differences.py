"""Paired differences, against scipy and brute force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scipy.stats

from benchmark.records.ratio_of_sums import Ratios
from benchmark.report.statistics.differences import (
    class_deltas,
    delta_interval,
    exchange_test,
    holm,
    on_common_classes,
    per_image_outcomes,
    scored_in_first_only,
)


def _means(first: np.ndarray, second: np.ndarray) -> tuple[Ratios, Ratios]:
    names = tuple(map(str, range(len(first))))
    return tuple(
        Ratios(names, np.zeros(1, int), values[None, :, None], np.ones((1, len(values), 1)), 1.0)
        for values in (first, second)
    )


def test_the_p_value_of_a_mean_is_scipys_permutation_test() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(1, 0.3, 40)
    second = first + rng.normal(0.06, 0.2, 40)
    reference = scipy.stats.permutation_test(
        (first, second),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).pvalue
    assert exchange_test(*_means(first, second), resamples=20_000) == pytest.approx(reference, abs=0.015)


def test_the_p_value_of_miou_is_that_of_all_exchanges(make_ratios: Callable[..., Ratios]) -> None:
    first, second = make_ratios(2, images=8, skill=0.55), make_ratios(3, images=8, skill=0.6)
    observed = abs(second.score() - first.score())
    beyond = 0
    for pattern in product((False, True), repeat=8):
        swapped = np.array(pattern)[None, :, None]
        ones, others = (
            replace(
                mine,
                numerator=np.where(swapped, theirs.numerator, mine.numerator),
                denominator=np.where(swapped, theirs.denominator, mine.denominator),
            )
            for mine, theirs in ((first, second), (second, first))
        )
        beyond += abs(others.score() - ones.score()) >= observed - 1e-9
    assert exchange_test(first, second, resamples=20_000) == pytest.approx(beyond / 256, abs=0.015)


def test_p_values_are_uniform_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(4)
    values = [
        exchange_test(*_means(rng.normal(size=30), rng.normal(size=30)), resamples=400, seed=number)
        for number in range(300)
    ]
    assert scipy.stats.kstest(values, "uniform").pvalue > 0.01


def test_hits_and_misses_are_exchanged_by_number() -> None:
    """The exact test of paired hits is McNemar's: a binomial test of the images that differ."""
    rng = np.random.default_rng(5)
    first = rng.integers(0, 2, 2000).astype(float)
    second = np.where(rng.random(2000) < 0.05, 1 - first, first)
    differ = first != second
    reference = scipy.stats.binomtest(int(second[differ].sum()), int(differ.sum())).pvalue
    assert exchange_test(*_means(first, second), resamples=20_000) == pytest.approx(reference, abs=0.015)


def test_identical_models_have_p_1_and_no_width(make_ratios: Callable[..., Ratios]) -> None:
    ratios = make_ratios(6)
    assert exchange_test(ratios, ratios, resamples=100) == 1
    found = delta_interval([(ratios, ratios)])
    assert (found.low, found.high) == (0, 0)


def test_the_interval_of_a_difference_is_scipys() -> None:
    rng = np.random.default_rng(7)
    first = rng.lognormal(0, 0.5, 60)
    second = first * rng.normal(1.05, 0.1, 60)
    reference = scipy.stats.bootstrap(
        (second - first,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(8)
    ).confidence_interval
    found = delta_interval([_means(first, second)])
    assert (found.low, found.high) == pytest.approx(tuple(reference), abs=0.004)


def test_a_mean_over_benchmarks_draws_their_images_apart() -> None:
    """Independent benchmarks: the variance of the mean of two is a quarter of the sum."""
    rng = np.random.default_rng(9)
    pairs = [_means(np.zeros(50), rng.normal(0.2, scale, 50)) for scale in (0.5, 1.0)]
    found = delta_interval(pairs)
    deviation = np.sqrt(sum(pair[1].numerator.var() / 50 for pair in pairs) / 4)
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.06)
    assert found.low < np.mean([pair[1].score() for pair in pairs]) < found.high


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # Wikipedia's example
    assert holm([0.9]) == [0.9]
    assert holm([0.7, 0.6]) == [1, 1]


def test_wins_ties_and_losses_follow_the_direction_of_the_metric() -> None:
    pair = _means(np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 1.0, 0.5, 0.1]))
    up = per_image_outcomes(*pair, higher_is_better=True)
    down = per_image_outcomes(*pair, higher_is_better=False)
    assert (up.wins, up.ties, up.losses) == (1, 1, 2)
    assert (down.wins, down.ties, down.losses) == (2, 1, 1)


def test_classes_are_ordered_by_gain(make_ratios: Callable[..., Ratios]) -> None:
    first, second = make_ratios(10), make_ratios(11)
    found = class_deltas(first, second)
    assert [one.delta for one in found] == sorted((one.delta for one in found), reverse=True)
    assert {one.number for one in found} == {0, 1, 2}
    assert np.mean([one.delta for one in found]) == pytest.approx(second.score() - first.score())


def test_classes_of_a_classification_are_its_labels() -> None:
    first, second = (
        replace(each, labels=np.array([3, 3, 5, 5])) for each in _means(np.ones(4), np.array([1, 0, 1, 1.0]))
    )
    assert [(one.number, one.delta) for one in class_deltas(first, second)] == [(5, 0), (3, -0.5)]


def test_false_alarms_of_one_model_are_named() -> None:
    first, second = _means(np.ones(3), np.ones(3))
    alarm = replace(
        second,
        classes=np.array([0, 7]),
        numerator=np.concatenate([second.numerator, np.zeros((1, 3, 1))], axis=2),
        denominator=np.concatenate([second.denominator, np.ones((1, 3, 1))], axis=2),
    )
    pair = on_common_classes(first, alarm)
    assert scored_in_first_only(*pair) == ()
    assert scored_in_first_only(*pair[::-1]) == (7,)


def test_no_p_value_is_below_what_the_exchanges_can_tell() -> None:
    first = np.zeros(200)
    assert exchange_test(*_means(first, first + 1), resamples=99) == pytest.approx(1 / 100)
