"""One verdict for a pair of models, wherever it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.report.baseline import page_family
from benchmark.report.collect import Collected, collect
from benchmark.report.compare import compare, select
from benchmark.report.page.forest import Forest, make_forests
from benchmark.report.page.runs import anchors_of
from benchmark.report.statistics.differences import holm
from benchmark.report.statistics.verdict import verdict
from benchmark.report.tables.leaderboard import make_leaderboard

_SEG = ("ade20k", "voc2012", "cityscapes")
_MODELS = ("plain", "a", "b", "c")


@pytest.fixture
def found(add_record: Callable, counts: Callable, tmp_path: Path) -> Collected:
    """Four models on three benchmarks, hardly different: some intervals leave zero out, and few differences hold."""
    for number, name in enumerate(_MODELS):
        for benchmark in _SEG:
            skill = 0.6 + 0.02 * number * (benchmark != "cityscapes")
            statistics = counts(10 * _SEG.index(benchmark) + number, skill=skill)
            model = {"name": name, "checkpoint": f"{name}.pth", "checkpoint_sha256": f"{number}" * 64}
            add_record(benchmark=benchmark, statistics=statistics, model=model)
    return collect(tmp_path)


def _page(found: Collected) -> list[Forest]:
    rows = make_leaderboard(found.records, found.estimates).rows
    return make_forests(rows, found.estimates, anchors_of(found.records))


def test_the_page_and_compare_say_the_same_of_every_pair(found: Collected) -> None:
    family = page_family(make_leaderboard(found.records).rows, found.estimates)
    [forest] = _page(found)
    assert forest.family == len(family) == 9
    for first, second in (("plain", name) for name in _MODELS[1:]):
        for one, other in ((first, second), (second, first)):
            pair = select(found.records, one), select(found.records, other)
            made = compare(*pair, found.estimates, family)
            assert made.family == 9
            for each in made.made:
                [plot] = [plot for plot in forest.plots if plot.benchmark is each.benchmark]
                [line] = [line for line in plot.lines if line.model == second]
                opposite = {"better": "worse", "worse": "better"}
                said = each.verdict if other == second else opposite.get(each.verdict, each.verdict)
                assert line.verdict == said
                assert abs(line.value) == pytest.approx(abs(each.delta))


def test_an_interval_that_leaves_zero_out_is_no_verdict(found: Collected) -> None:
    lines = [line for forest in _page(found) for plot in forest.plots for line in plot.lines]
    zero = _page(found)[0].plots[0].zero
    outside = [line for line in lines if not line.low <= zero <= line.high]
    assert any(line.verdict == "no difference shown" for line in outside)


def test_a_pair_that_is_not_on_the_page_is_corrected_for_the_page_and_itself(found: Collected) -> None:
    family = page_family(make_leaderboard(found.records).rows, found.estimates)
    made = compare(select(found.records, "a"), select(found.records, "b"), found.estimates, family)
    assert made.family == 12
    assert [each.p_holm for each in made.made] == holm([*family.p.values(), *(each.p for each in made.made)])[9:]


def test_a_pair_that_is_on_the_page_under_one_protocol_only_has_the_pages_verdict_there(
    add_record: Callable, counts: Callable, tmp_path: Path
) -> None:
    """Each protocol has a baseline of its own, the model that ran first under it."""
    order = {"dinov2": ("a", "b"), "mini": ("c", "a", "b")}
    for label, names in order.items():
        for place, name in enumerate(names):
            add_record(
                benchmark="ade20k",
                statistics=counts(5 * len(label) + place, skill=0.6 + 0.03 * place),
                model={"name": name, "checkpoint": f"{name}.pth", "checkpoint_sha256": name * 64},
                protocol={"family": label, "name": label, "fingerprint": label},
            )
    found = collect(tmp_path)
    family = page_family(make_leaderboard(found.records).rows, found.estimates)
    made = compare(select(found.records, "a"), select(found.records, "b"), found.estimates, family)
    on_page = next(each for each in made.made if each.protocol == "dinov2")
    forest = next(forest for forest in _page(found) if forest.label == "dinov2")
    [line] = forest.plots[0].lines
    assert line.verdict == on_page.verdict
    assert on_page.p_holm == family.p_holm[frozenset({on_page.records[0], on_page.records[1]})]


def test_the_page_says_how_many_comparisons_it_corrects_for(found: Collected, tmp_path: Path) -> None:
    assert found.records
    assert main(["report", "--results", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "all 9 comparisons of this page" in page
    assert "hardly reverse" not in page


def test_compare_says_whose_comparisons_it_corrects_for(
    found: Collected, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found.records
    assert main(["compare", "plain", "a", "--results", str(tmp_path)]) == 0
    assert "the 9 comparisons of report.html" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("delta", "p", "higher", "said"),
    [
        (1.0, 0.049, True, "better"),
        (1.0, 0.05, True, "no difference shown"),
        (-1.0, 0.01, True, "worse"),
        (-1.0, 0.01, False, "better"),
        (0.0, 0.01, True, "no difference shown"),
    ],
)
def test_words(delta: float, p: float, higher: bool, said: str) -> None:
    assert verdict(delta, p, higher_is_better=higher) == said
