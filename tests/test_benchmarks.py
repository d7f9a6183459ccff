"""Benchmarks and groups."""

from __future__ import annotations

import pytest

from benchmark.benchmarks import BENCHMARKS, expand, groups
from benchmark.data import DATASETS
from benchmark.errors import UsageError


def test_groups_stand_for_their_members_without_repeats() -> None:
    assert expand(["voc2012", "seg"]) == [("voc2012", True), ("ade20k", False), ("cityscapes", False)]
    assert expand(["seg", "ade20k"])[0] == ("ade20k", True)
    assert groups()["all"] == list(BENCHMARKS)


def test_an_unknown_benchmark_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown benchmark 'ade20'.*did you mean 'ade20k'"):
        expand(["ade20"])


def test_every_benchmark_has_a_dataset() -> None:
    assert {benchmark.dataset for benchmark in BENCHMARKS.values()} <= set(DATASETS)


def test_depth_is_scored_in_metres_and_lower_is_better() -> None:
    depth = [BENCHMARKS[name] for name in groups()["depth"]]
    assert [benchmark.column for benchmark in depth] == ["nyu_rmse", "kitti_rmse", "sunrgbd_rmse"]
    assert not any(benchmark.higher_is_better for benchmark in depth)
    assert {benchmark.unit for benchmark in depth} == {"m"}
