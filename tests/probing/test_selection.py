"""Held-out selection."""

from __future__ import annotations

import math

import pytest

from benchmark.errors import DataError
from benchmark.probing.selection import Candidate, best, candidates, hold_out
from benchmark.protocols.sections import Probes


def test_every_lr_meets_every_weight_decay() -> None:
    grid = candidates(Probes(lr=(1e-3, 1e-4), weight_decay=(0.0, 0.1), seeds=3))
    assert grid == [Candidate(1e-3, 0.0), Candidate(1e-3, 0.1), Candidate(1e-4, 0.0), Candidate(1e-4, 0.1)]


def test_held_out_images_are_a_share_and_never_trained_on() -> None:
    fit, held_out = hold_out(200, 0.1, seed=3)
    assert len(held_out) == 20
    assert sorted(fit + held_out) == list(range(200))
    assert hold_out(200, 0.1, seed=3) == (fit, held_out)
    assert hold_out(200, 0.1, seed=4) != (fit, held_out)


def test_both_parts_keep_at_least_one_image() -> None:
    assert [len(part) for part in hold_out(2, 0.01, seed=0)] == [1, 1]
    assert [len(part) for part in hold_out(3, 0.99, seed=0)] == [1, 2]
    with pytest.raises(DataError, match="at least 2"):
        hold_out(1, 0.1, seed=0)


def test_whole_scenes_are_held_out() -> None:
    scenes = [f"kitchen_{place:04d}" for place in range(50) for _ in range(3 + place % 5)]
    fit, held_out = hold_out(len(scenes), 0.1, 3, scenes)
    assert sorted(fit + held_out) == list(range(len(scenes)))
    assert not {scenes[index] for index in fit} & {scenes[index] for index in held_out}
    assert 0.08 * len(scenes) < len(held_out) <= 0.1 * len(scenes)
    assert hold_out(len(scenes), 0.1, 4, scenes) != (fit, held_out)


def test_a_scene_larger_than_the_share_is_left_in_train() -> None:
    """KITTI's largest drive has 22 % of the images."""
    scenes = ["giant"] * 60 + [f"drive {index // 2}" for index in range(40)]
    for seed in range(20):
        _, held_out = hold_out(100, 0.1, seed, scenes)
        assert len(held_out) == 10
        assert min(held_out) >= 60


def test_where_every_scene_is_larger_than_the_share_the_smallest_is_held_out() -> None:
    scenes = ["a"] * 5 + ["b"] * 3 + ["c"] * 4
    assert hold_out(12, 0.1, 0, scenes)[1] == [5, 6, 7]


def test_images_of_one_scene_are_drawn_one_by_one() -> None:
    assert hold_out(12, 0.25, 0, ["a"] * 12) == hold_out(12, 0.25, 0)


def test_best_follows_the_direction_and_nan_loses() -> None:
    assert best([1.0, math.nan, 3.0, 3.0], higher_is_better=True) == 2
    assert best([2.0, math.nan, 1.0], higher_is_better=False) == 2
