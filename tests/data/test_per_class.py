"""Images of each class for limited and few-shot runs."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.data.per_class import few_shot, spread
from benchmark.errors import DataError

LABELS = np.array([0] * 5 + [1] * 2 + [2] * 4)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (2, [0, 5]),
        (3, [0, 5, 7]),
        (5, [0, 1, 5, 6, 7]),
        (9, [0, 1, 2, 3, 5, 6, 7, 8, 9]),
        (11, list(range(11))),
        (99, list(range(11))),
    ],
)
def test_a_limit_takes_classes_in_turn_until_it_is_reached(count: int, expected: list[int]) -> None:
    assert spread(LABELS, count).tolist() == expected


def test_a_limit_takes_the_same_images_from_a_split_in_any_order_of_classes() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 200)
    turns = {}
    for index, label in enumerate(labels):
        turns[index] = (sum(labels[:index] == label), label)
    expected = sorted(sorted(turns, key=turns.get)[:50])
    assert spread(labels, 50).tolist() == expected


def test_few_shot_draws_so_many_of_each_class_and_other_draws_others() -> None:
    draws = [few_shot(LABELS, 2, draw) for draw in range(20)]
    for chosen in draws:
        assert np.bincount(LABELS[chosen]).tolist() == [2, 2, 2]
        assert (np.diff(chosen) > 0).all()
    assert len({tuple(chosen) for chosen in draws}) > 10
    np.testing.assert_array_equal(few_shot(LABELS, 2, 3), draws[3])
    assert {index for chosen in draws for index in chosen.tolist()} == set(range(11))


def test_a_class_with_too_few_images_is_named() -> None:
    with pytest.raises(DataError, match=r"3 training images of each class are wanted, class 1 has 2; lower"):
        few_shot(LABELS, 3, 0)
