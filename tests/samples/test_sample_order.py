"""Which image comes when, with and without held-out images."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmark.samples.sample_order import Place, SampleOrder

_HELD = frozenset({0, 3, 4})


def _indices(order: SampleOrder, step: int, rows: list[int] | None = None) -> list[int]:
    indices = [order.index(place) for place in order.places(step)]
    return indices if rows is None else [indices[row] for row in rows]


def test_every_epoch_shows_every_image_once() -> None:
    order = SampleOrder(7, 1, 5)
    for epoch in range(3):
        assert Counter(order.index(Place(7 * epoch + step, 0)) for step in range(7)) == Counter(range(7))


def test_without_held_out_images_a_batch_is_the_batch() -> None:
    order = SampleOrder(7, 3, 5)
    assert order.places(2) == [Place(2, 0), Place(2, 1), Place(2, 2)]
    assert order.rows_without_held_out(2) is None


@pytest.mark.parametrize("step", range(12))
def test_probes_that_are_scored_see_what_they_would_see_without_a_sweep(step: int) -> None:
    plain, held = SampleOrder(10, 4, 1), SampleOrder(10, 4, 1, _HELD)
    assert held.places(step)[:4] == plain.places(step)
    assert _indices(held, step)[:4] == _indices(plain, step)


def test_probes_that_choose_see_whole_batches_without_a_held_out_image() -> None:
    order = SampleOrder(10, 4, 1, _HELD)
    replaced, seen = 0, Counter()
    for step in range(60):
        rows = order.rows_without_held_out(step)
        shown = _indices(order, step, rows if rows is not None else list(range(4)))
        drawn = _indices(order, step)[:4]
        assert len(shown) == 4
        assert not _HELD & set(shown)
        assert all(one == other for one, other in zip(shown, drawn, strict=True) if other not in _HELD)
        replaced += len(order.places(step)) - 4
        seen.update(shown)
    assert 50 < replaced < 95  # three of ten
    assert set(seen) == set(range(10)) - _HELD
    assert max(seen.values()) < 2 * min(seen.values())


def test_a_replaced_image_is_augmented_by_draws_of_its_own() -> None:
    order = SampleOrder(10, 4, 1, _HELD)
    entropies = [place.entropy for step in range(20) for place in order.places(step)]
    assert len(set(entropies)) == len(entropies)


@pytest.mark.parametrize("held_out", [frozenset(), _HELD])
def test_samples_before_a_step_are_counted(held_out: frozenset[int]) -> None:
    order = SampleOrder(10, 4, 1, held_out)
    for step in (0, 1, 7, 30):
        assert order.samples_before(step) == sum(len(order.places(earlier)) for earlier in range(step))
