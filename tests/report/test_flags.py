"""What looks wrong among records is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmark.report.flags import find_flags, summarise
from benchmark.report.page.flag_groups import group_flags


def _primary(value: float) -> dict:
    return {"name": "miou", "value": value, "higher_is_better": True, "ci95": None}


def _model(name: str) -> dict:
    return {"name": name, "checkpoint": f"{name}.pth", "checkpoint_sha256": name[0] * 64}


_BASELINE = {"name": "raw pixels", "checkpoint": "pixels", "checkpoint_sha256": "f" * 64}


def _kinds(records: list, **options: object) -> list[str]:
    return [flag.kind for flag in find_flags(records, **options)]


def test_an_ordinary_record_has_no_flag(make_record: Callable) -> None:
    assert find_flags([make_record()]) == []


def test_a_score_below_raw_pixels_is_flagged_in_the_metrics_direction(make_record: Callable) -> None:
    baseline = make_record(id="f", model=_BASELINE, primary=_primary(20.0))
    assert _kinds([baseline, make_record(primary=_primary(19.0))]) == ["below-baseline"]
    assert _kinds([baseline, make_record(primary=_primary(21.0))]) == []
    depth = {"name": "rmse", "value": 1.0, "higher_is_better": False, "ci95": None}
    baseline = make_record(id="f", benchmark="nyu", model=_BASELINE, primary=depth)
    assert _kinds([baseline, make_record(benchmark="nyu", primary={**depth, "value": 1.1})]) == ["below-baseline"]


def test_the_baseline_of_another_protocol_says_nothing(make_record: Callable) -> None:
    baseline = make_record(id="f", model=_BASELINE, primary=_primary(20.0), protocol={"fingerprint": "other"})
    assert _kinds([baseline, make_record(primary=_primary(19.0))]) == []


def test_two_checkpoints_with_one_score_are_flagged(make_record: Callable) -> None:
    records = [make_record(id=name, model=_model(name)) for name in ("a", "b")]
    [flag] = find_flags(records)
    assert (flag.kind, flag.records) == ("identical", ("a", "b"))
    assert "a and b score exactly the same" in flag.text
    assert _kinds([records[0], make_record(id="b", model=_model("b"), primary=_primary(44.26))]) == []


@pytest.mark.parametrize(("chosen", "kinds"), [(1e-4, ["edge"]), (1e-3, []), (1e-2, ["edge"])])
def test_the_end_of_a_grid_is_flagged(make_record: Callable, chosen: float, kinds: list[str]) -> None:
    candidates = [{"lr": lr, "weight_decay": 0.1, "miou_held_out": 1.0, "miou_val": lr} for lr in (1e-4, 1e-3, 1e-2)]
    selection = {"chosen": next(each for each in candidates if each["lr"] == chosen), "candidates": candidates}
    assert _kinds([make_record(selection=selection)]) == kinds


def test_ends_of_grids_are_one_line_with_a_count(make_record: Callable) -> None:
    candidates = [{"lr": lr, "miou_held_out": 1.0} for lr in (1e-4, 1e-3, 1e-2)]
    selection = {"chosen": candidates[0], "candidates": candidates}
    records = [
        make_record(id=f"{benchmark}{name}", benchmark=benchmark, model=_model(name), selection=selection)
        for benchmark, names in (("ade20k", "abc"), ("nyu", "a"))
        for name in names
    ]
    lines = [line for line in summarise(find_flags(records)) if line.startswith("edge")]
    assert lines == ["edge: 4 sweeps chose the end of a grid, a better value may lie beyond: ade20k lr 3, nyu lr 1"]
    [group] = [
        group
        for group in group_flags(find_flags(records), {record.id: record.id for record in records})
        if group.kind == "edge"
    ]
    assert [line.text for line in group.lines] == [
        "ade20k: the end of the grid of lr, 3 sweeps",
        "nyu: the end of the grid of lr, 1 sweep",
    ]
    assert group.lines[0].runs == ["ade20ka", "ade20kb", "ade20kc"]


def test_a_sweep_that_ends_two_grids_is_one_sweep(make_record: Callable) -> None:
    grids = [(lr, decay) for lr in (1e-4, 1e-3, 1e-2) for decay in (0.0, 0.1, 0.2)]
    candidates = [{"lr": lr, "weight_decay": decay, "miou_held_out": 1.0} for lr, decay in grids]
    lines = summarise(find_flags([make_record(selection={"chosen": candidates[0], "candidates": candidates})]))
    assert lines == [
        "edge: 1 sweep chose the end of a grid, a better value may lie beyond: ade20k lr 1, ade20k weight_decay 1"
    ]


def test_a_grid_of_two_has_only_ends(make_record: Callable) -> None:
    candidates = [{"lr": lr, "miou_held_out": 1.0} for lr in (1e-4, 1e-3)]
    assert _kinds([make_record(selection={"chosen": candidates[0], "candidates": candidates})]) == []


def test_nan_scores_are_flagged(make_record: Callable) -> None:
    metrics = {"miou": 44.25, "mean_accuracy": None, "per_class_iou": [None, 1.0]}
    candidates = [{"lr": 1.0, "miou_held_out": None}, {"lr": 2.0, "miou_held_out": 3.0}]
    flags = find_flags([make_record(metrics=metrics, selection={"chosen": candidates[1], "candidates": candidates})])
    assert [flag.text for flag in flags] == [
        "vits14: mean_accuracy is NaN",
        "vits14: 1 of 2 candidates of the sweep have NaN scores",
    ]


def test_a_training_run_whose_last_checkpoint_is_not_its_best_is_flagged(make_record: Callable) -> None:
    scores = {"vit@50k": 40.0, "vit@500k": 44.0, "vit@600k": 43.0}
    records = [
        make_record(id=name, model={"name": name, "checkpoint_sha256": f"{n}" * 64}, primary=_primary(value))
        for n, (name, value) in enumerate(scores.items())
    ]
    [flag] = find_flags(records)
    assert flag.kind == "not-final"
    assert "vit@500k scores 44.000, the last, vit@600k, 43.000" in flag.text
    assert _kinds(records[:2]) == []


def test_mixed_package_versions_are_flagged_once_a_column(make_record: Callable) -> None:
    records = [
        make_record(
            id=name, model=_model(name), primary=_primary(n), environment={"packages": {"torch": version, "numpy": "2"}}
        )
        for n, (name, version) in enumerate((("a", "2.12"), ("b", "2.13"), ("c", "2.13")))
    ]
    [flag] = find_flags(records)
    assert flag.kind == "packages"
    assert flag.text == "torch 2.12 (1), 2.13 (2) in one column"


def test_uncommitted_changes_smoke_tests_and_missing_statistics_are_flagged(make_record: Callable) -> None:
    records = [
        make_record(id="1", environment={"git_dirty": True}),
        make_record(id="2", environment={"git_dirty": True}, limit=4),
    ]
    flags = find_flags(records, unverified={"1"})
    assert [flag.kind for flag in flags] == ["dirty", "dirty", "limited", "unverified"]
    assert summarise(flags) == [
        "dirty: 2 runs from a checkout with uncommitted changes",
        "unverified: 1 run without per-image statistics, so without an interval",
        "limited: 1 run with --limit",
    ]
