"""Benchmarks and groups."""

from __future__ import annotations

import pytest

from benchmark.benchmarks import BENCHMARKS, averages, expand, groups
from benchmark.data.registry import DATASETS
from benchmark.errors import UsageError
from benchmark.metric import MIOU, RMSE


def _named(names: list[str]) -> list[tuple[str, bool]]:
    return [(benchmark.name, named) for benchmark, named in expand(names)]


def test_groups_stand_for_their_members_without_repeats() -> None:
    assert _named(["voc2012", "seg"]) == [("voc2012", True), ("ade20k", False), ("cityscapes", False)]
    assert _named(["seg", "ade20k"])[0] == ("ade20k", True)
    assert groups()["all"] == list(BENCHMARKS)


def test_an_unknown_benchmark_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown benchmark 'ade20'.*did you mean 'ade20k'"):
        expand(["ade20"])


def test_every_dataset_makes_the_benchmarks_of_its_kind() -> None:
    assert list(BENCHMARKS) == [
        *("ade20k", "voc2012", "cityscapes", "nyu", "kitti", "sunrgbd"),
        *("imagenet-knn", "imagenet-linear", "imagenet-logreg"),
    ]
    assert {benchmark.dataset.name for benchmark in BENCHMARKS.values()} == set(DATASETS)


def test_a_zero_shot_benchmark_needs_the_dataset_it_is_trained_on_too() -> None:
    assert [dataset.name for dataset in BENCHMARKS["sunrgbd"].datasets] == ["sunrgbd", "nyu"]
    assert [dataset.name for dataset in BENCHMARKS["nyu"].datasets] == ["nyu"]


def test_depth_is_scored_in_metres_and_lower_is_better() -> None:
    depth = [BENCHMARKS[name] for name in groups()["depth"]]
    assert [benchmark.column for benchmark in depth] == ["nyu_rmse", "kitti_rmse", "sunrgbd_rmse"]
    assert {benchmark.metric for benchmark in depth} == {RMSE}
    assert (RMSE.unit, RMSE.better, RMSE.half_digit) == ("m", "lower", 0.0005)


def test_averages_are_over_the_groups_whose_datasets_are_averaged() -> None:
    assert {each.name: each.members for each in averages()} == {
        "avg_seg_miou": ("ade20k", "voc2012", "cityscapes"),
        "avg_depth_rmse": ("nyu", "kitti", "sunrgbd"),
    }


def test_scores_are_written_with_the_decimals_of_their_metric() -> None:
    assert (MIOU.text(41.8), RMSE.with_unit(0.4126), MIOU.signed(0.0), RMSE.signed(-0.0312)) == (
        *("41.80", "0.413 m", "+0.00", "-0.031"),
    )
