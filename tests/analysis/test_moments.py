"""Means and deviations of a stream."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.analysis.moments import Moments, join

_VALUES = np.random.default_rng(0).normal(1000.0, 0.01, (50, 3))  # far from 0, where sums of squares would cancel


@pytest.mark.parametrize("cuts", [(1, 2, 3), (25,), (7, 20, 49)])
def test_a_stream_equals_all_at_once(cuts: tuple[int, ...]) -> None:
    first, *rest = np.split(_VALUES, cuts)
    total = Moments.of(first)
    for batch in rest:
        total = total.merged(Moments.of(batch))
    assert total.n == 50
    np.testing.assert_allclose(total.mean, _VALUES.mean(0), rtol=1e-14)
    np.testing.assert_allclose(total.std, _VALUES.std(0), rtol=1e-9)


def test_one_image_has_no_deviation() -> None:
    np.testing.assert_array_equal(Moments.of(_VALUES[:1]).std, np.zeros(3))


def test_streams_are_joined_by_name() -> None:
    joined = join(join({}, {"a": Moments.of(_VALUES[:20])}), {"a": Moments.of(_VALUES[20:])})
    np.testing.assert_allclose(joined["a"].std, _VALUES.std(0), rtol=1e-9)
