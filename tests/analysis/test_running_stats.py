"""Means and deviations of a stream."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.analysis.running_stats import RunningStats, merge_by_name

_VALUES = np.random.default_rng(0).normal(1000.0, 0.01, (50, 3))  # far from 0, where sums of squares would cancel


@pytest.mark.parametrize("cuts", [(1, 2, 3), (25,), (7, 20, 49)])
def test_a_stream_equals_all_at_once(cuts: tuple[int, ...]) -> None:
    first, *rest = np.split(_VALUES, cuts)
    total = RunningStats.of(first)
    for batch in rest:
        total = total.merge(RunningStats.of(batch))
    assert total.n == 50
    np.testing.assert_allclose(total.mean, _VALUES.mean(0), rtol=1e-14)
    np.testing.assert_allclose(total.std, _VALUES.std(0), rtol=1e-9)


def test_one_image_has_no_deviation() -> None:
    np.testing.assert_array_equal(RunningStats.of(_VALUES[:1]).std, np.zeros(3))


def test_statistics_are_merged_by_name() -> None:
    first, second = ({"a": RunningStats.of(part)} for part in (_VALUES[:20], _VALUES[20:]))
    total = merge_by_name(merge_by_name({}, first), second)
    np.testing.assert_allclose(total["a"].std, _VALUES.std(0), rtol=1e-9)
