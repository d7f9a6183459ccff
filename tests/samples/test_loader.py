"""Batches as functions of (seed, step)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.errors import DataError
from benchmark.samples.loader import numpy_seeded, ordered_batches, ordered_samples, training_batches
from benchmark.samples.sample_order import SampleOrder


def _load(index: int) -> tuple[int, float]:
    return index, float(np.random.random_sample())


def _batches(steps: range, *, seed: int = 0, workers: int = 0) -> list[list[tuple[int, float]]]:
    return list(training_batches(_load, list, order=SampleOrder(7, 3, seed), steps=steps, workers=workers))


def test_a_run_that_starts_late_sees_the_same_batches() -> None:
    assert _batches(range(10))[6:] == _batches(range(6, 10))


def test_workers_change_nothing() -> None:
    assert _batches(range(5), workers=2) == _batches(range(5))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_a_user_can_mend_comes_back_as_it_is(workers: int) -> None:
    def load(index: int) -> int:
        raise DataError(f"image {index} is damaged")

    with pytest.raises(DataError, match=r"^image \d is damaged$"):
        list(training_batches(load, list, order=SampleOrder(3, 2, 0), steps=range(2), workers=workers))
    with pytest.raises(DataError, match=r"^image 2 is damaged$"):
        list(ordered_samples(load, [2], workers=workers))


def test_another_seed_is_another_order_and_augmentation() -> None:
    assert _batches(range(3)) != _batches(range(3), seed=1)


def test_one_image_is_augmented_differently_every_time() -> None:
    draws = [draw for batch in _batches(range(14)) for _, draw in batch]
    assert len(set(draws)) == len(draws)


def test_numpys_generator_is_left_as_it_was() -> None:
    np.random.seed(1)
    expected = np.random.random_sample()
    np.random.seed(1)
    with pytest.raises(ZeroDivisionError), numpy_seeded(3, 4):
        np.random.random_sample()
        raise ZeroDivisionError
    assert np.random.random_sample() == expected


def test_ordered_samples_keep_the_order() -> None:
    assert [index for index, _ in ordered_samples(_load, [4, 1, 3])] == [4, 1, 3]


@pytest.mark.parametrize("workers", [0, 2])
def test_ordered_batches_keep_the_order_and_hold_errors_in_their_places(workers: int) -> None:
    def load(index: int) -> torch.Tensor:
        if index in {3, 4}:
            raise DataError(f"image {index} is damaged")
        return torch.full((2,), float(index))

    first, second, last = ordered_batches(load, [5, 3, 1, 4, 2], batch_size=2, workers=workers)
    assert [first.indices, second.indices, last.indices] == [[5, 3], [1, 4], [2]]
    assert [batch.images[:, 0].tolist() for batch in (first, second, last)] == [[5], [1], [2]]
    assert str(first.errors[3]) == "image 3 is damaged"
    [bad] = ordered_batches(load, [3, 4], batch_size=2, workers=workers)
    assert bad.images is None
    assert list(bad.errors) == [3, 4]
