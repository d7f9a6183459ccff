"""Axes, forests, scatters and class tables: where things stand on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.report.baseline import choose_baseline
from benchmark.report.commands import collect_from
from benchmark.report.page.axis import Axis, short
from benchmark.report.page.classes import leading, make_classes
from benchmark.report.page.colours import NOT_COUNTED, RIGHT, WRONG, class_colours, depth_palette
from benchmark.report.page.forest import make_forests
from benchmark.report.page.introduction import make_introduction
from benchmark.report.page.runs import anchors_of
from benchmark.report.page.scatter import make_costs
from benchmark.report.page.tables import make_published
from benchmark.report.published import read_figures
from benchmark.report.tables.leaderboard import make_leaderboard


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.2, 11), (0.0012, 0.0019), (21, 21.4), (1e6, 9e6)])
def test_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    ticks = Axis(low, high).ticks()
    assert 2 <= len(ticks) <= 5
    assert all(low <= tick <= high for tick in ticks)
    steps = np.diff(ticks)
    assert steps == pytest.approx(steps[0])
    assert float(f"{steps[0]:.0e}") == pytest.approx(steps[0])  # one digit


def test_ticks_of_a_logarithmic_axis_are_round() -> None:
    assert Axis(1.2, 640, logarithmic=True).ticks() == [3, 10, 30, 100, 300]
    assert Axis(18, 340, logarithmic=True).ticks() == [20, 50, 100, 200]


def test_an_axis_goes_from_0_to_100_and_back() -> None:
    assert [Axis(2, 4).place(value) for value in (2, 3, 4)] == [0, 50, 100]
    assert [Axis(2, 4, reversed=True).place(value) for value in (2, 3, 4)] == [100, 50, 0]
    assert Axis(1, 100, logarithmic=True).place(10) == 50
    assert Axis.around([5.0]).place(5) == 50
    assert short(-0.05) == "\N{MINUS SIGN}0.05"


def test_right_is_better_for_scores_of_both_directions(results: Path) -> None:
    found = collect_from(results)
    rows = make_leaderboard(found.records, found.estimates).rows
    [forest] = make_forests(rows, found.estimates, anchors_of(found.records))
    assert forest.baseline == "plain"
    for plot in forest.plots:
        for line in plot.lines:
            assert line.verdict in ("better" if line.at > plot.zero else "worse", "no difference shown")
            assert line.low <= line.at <= line.high
    assert [plot.benchmark.name for plot in forest.plots] == ["ade20k", "nyu"]


def test_the_baseline_is_the_first_plain_model(make_record: Callable) -> None:
    def rows(*models: tuple[str, str, str]) -> list:
        return make_leaderboard(
            [
                make_record(
                    id=str(number),
                    created=f"2026-01-0{number + 1}",
                    model={"name": name, "checkpoint": checkpoint, "specialization": special,
                           "checkpoint_sha256": str(number) * 64},
                )
                for number, (name, checkpoint, special) in enumerate(models)
            ]
        ).rows  # fmt: skip

    special, plain, baseline = ("s", "s.pth", "norms"), ("p", "p.pth", "none"), ("f", "pixels", "none")
    assert choose_baseline(rows(baseline, special, plain)).model.name == "p"
    assert choose_baseline(rows(baseline, special)).model.name == "f"
    assert choose_baseline(rows(special)).model.name == "s"


def test_filled_points_are_the_ones_no_other_beats(make_record: Callable) -> None:
    def record(name: str, params: int, value: float) -> object:
        return make_record(
            id=name,
            model={"name": name, "checkpoint_sha256": name * 64, "params": params},
            primary={"name": "miou", "value": value, "higher_is_better": True, "ci95": None},
        )

    records = [record("a", 10**7, 30), record("b", 2 * 10**7, 40), record("c", 3 * 10**7, 35)]
    [costs] = make_costs(make_leaderboard(records).rows, anchors_of(records))
    params = costs.plots[0]
    assert {point.model: point.best for point in params.points} == {"a": True, "b": True, "c": False}
    by_x = sorted(params.points, key=lambda point: point.x)
    assert [point.model for point in by_x] == ["a", "b", "c"]
    by_y = sorted(params.points, key=lambda point: point.y)
    assert [point.model for point in by_y] == ["b", "c", "a"]  # the best on top


def test_classes_have_names_and_the_seeds_are_averaged(make_record: Callable) -> None:
    records = [
        make_record(id=str(seed), seed=seed, metrics={"miou": 44.25, "per_class_iou": [iou, None, 10.0]})
        for seed, iou in enumerate((50.0, 60.0))
    ]
    [table] = make_classes(make_leaderboard(records).rows)
    assert table.classes == [("wall", [55.0]), ("sky", [10.0])]


def test_the_pixel_baseline_stays_among_the_models_shown(make_record: Callable) -> None:
    records = [
        make_record(
            id=str(number),
            model={"checkpoint_sha256": str(number) * 64, "checkpoint": "pixels" if number == 0 else "a.pth"},
            primary={"name": "miou", "value": float(number), "higher_is_better": True, "ci95": None},
        )
        for number in range(5)
    ]
    shown = leading(make_leaderboard(records).rows, BENCHMARKS["ade20k"], 3)
    assert [row.scores["ade20k"].value for row in shown] == [4, 3, 0]


def test_official_data_are_told_from_others(make_record: Callable) -> None:
    official, subset = make_record(), make_record(data={"splits": {"train": 96, "val": 48}})
    assert [each.official for each in make_introduction(make_leaderboard([official]).rows)] == [True]
    [asked] = make_introduction(make_leaderboard([subset]).rows)
    assert (asked.official, asked.images) == (False, "48 of 2,000")


def test_published_figures_say_why_they_may_not_stand_beside_ours(make_record: Callable) -> None:
    records = [make_record()]
    tables, differing = make_published(make_leaderboard(records).rows, read_figures(), anchors_of(records))
    assert tables == []
    assert any("dinov2-lin, ade20k" in line and "≠" in line for line in differing)


def test_colours_of_classes_differ() -> None:
    colours = set(class_colours(list(range(150))).values())
    assert len(colours) == 150
    assert not {RIGHT, WRONG, NOT_COUNTED} & colours
    assert depth_palette().shape == (256, 3)
