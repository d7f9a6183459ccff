"""Two models on the same images; what is not paired is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.errors import RecordError, UsageError
from benchmark.report.baseline import page_family
from benchmark.report.collect import collect
from benchmark.report.compare import Comparisons, compare, select
from benchmark.report.statistics.differences import holm
from benchmark.report.tables.leaderboard import make_leaderboard

_OTHER = {"name": "other", "checkpoint_sha256": "b" * 64}


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Comparisons]:
    def run(first: str = "vits14", second: str = "other") -> Comparisons:
        found = collect(tmp_path)
        page = page_family(make_leaderboard(found.records).rows, found.estimates)
        return compare(select(found.records, first), select(found.records, second), found.estimates, page)

    return run


def test_every_benchmark_both_have_run_is_compared(
    add_record: Callable, counts: Callable, errors: Callable, compared: Callable
) -> None:
    for model, skill, error in (({}, 0.5, 0.6), (_OTHER, 0.7, 0.3)):
        add_record(statistics=counts(1, skill=skill), model=model)
        add_record(benchmark="nyu", statistics=errors(2, error=error), model=model)
    add_record(benchmark="voc2012", statistics=counts(3))
    found = compared()
    assert [each.benchmark.name for each in found.made] == ["ade20k", "nyu"]
    miou, rmse = found.made
    assert miou.delta == pytest.approx(miou.second - miou.first)
    assert 0 < miou.interval.low < miou.delta < miou.interval.high
    assert rmse.interval.high < 0
    assert (rmse.per_image.wins, rmse.per_image.losses) == (12, 0)
    assert [miou.p_holm, rmse.p_holm] == holm([miou.p, rmse.p])
    assert len(miou.per_class) == 4
    assert rmse.per_class == ()
    assert found.unpaired == ["voc2012: only the first has run it"]


def test_swapping_the_models_turns_the_sign(add_record: Callable, counts: Callable, compared: Callable) -> None:
    add_record(statistics=counts(1))
    add_record(statistics=counts(2), model=_OTHER)
    [there], [back] = compared().made, compared("other", "vits14").made
    assert there.delta == pytest.approx(-back.delta)
    assert there.p == back.p
    assert there.interval.low == pytest.approx(-back.interval.high, abs=0.2)


def test_seeds_are_paired_and_their_spread_is_told_apart(
    add_record: Callable, counts: Callable, compared: Callable
) -> None:
    for model, seeds in (({}, (0, 1, 2)), (_OTHER, (1, 2, 3))):
        for seed in seeds:
            add_record(statistics=counts(seed + 10 * len(model)), seed=seed, model=model)
    [found] = compared().made
    assert found.seeds == (1, 2)
    assert found.seed_std > 0


def test_seeds_without_a_partner_are_refused(add_record: Callable, counts: Callable, compared: Callable) -> None:
    add_record(statistics=counts(1), seed=0)
    add_record(statistics=counts(2), seed=1, model=_OTHER)
    with pytest.raises(UsageError, match=r"seeds \[0\] and \[1\] have none in common"):
        compared()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"protocol": {"fingerprint": "p2", "name": "dinov3-lin"}}, "protocols differ, dinov2-lin and dinov3-lin"),
        ({"protocol": {"fingerprint": "p2", "version": 2}}, "protocols differ, .*, versions 1 and 2"),
        ({"data": {"fingerprint": "d2"}}, "data differ"),
    ],
)
def test_another_protocol_or_other_data_is_refused(
    add_record: Callable, counts: Callable, compared: Callable, change: dict, said: str
) -> None:
    add_record(statistics=counts(1))
    add_record(statistics=counts(2), model=_OTHER, **change)
    with pytest.raises(UsageError, match=f"have nothing in common: ade20k: {said}"):
        compared()


def test_other_images_are_refused(add_record: Callable, counts: Callable, compared: Callable) -> None:
    add_record(statistics=counts(1))
    add_record(statistics=counts(2, images=11), model=_OTHER)
    with pytest.raises(RecordError, match=r"not paired: 12 and 11 images, 1 of them in one only \(011.jpg"):
        compared()


def test_models_are_found_by_name_hash_and_record(add_record: Callable, tmp_path: Path) -> None:
    record = add_record()
    records = collect(tmp_path).records
    for wanted in ("vits14", "aaaaaa", "a" * 64, record.id):
        assert select(records, wanted) == [record]


def test_a_name_of_two_checkpoints_asks_for_the_hash(add_record: Callable, counts: Callable, tmp_path: Path) -> None:
    add_record()
    add_record(statistics=counts(5), model={"checkpoint_sha256": "b" * 64})
    with pytest.raises(UsageError, match=r"2 checkpoints; give the hash: aaaaaaaaaaaa, bbbbbbbbbbbb"):
        select(collect(tmp_path).records, "vits14")


def test_a_typing_error_gets_a_suggestion(add_record: Callable, tmp_path: Path) -> None:
    add_record()
    with pytest.raises(UsageError, match="did you mean 'vits14'"):
        select(collect(tmp_path).records, "vits41")


def test_a_model_is_not_compared_with_itself(add_record: Callable, compared: Callable) -> None:
    add_record()
    with pytest.raises(UsageError, match="nothing to compare"):
        compared("vits14", "aaaaaaaa")


def test_the_verb_prints_a_table_or_json(
    add_record: Callable, counts: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_record(statistics=counts(1, skill=0.4))
    add_record(statistics=counts(1, skill=0.8), model=_OTHER)
    assert main(["compare", "vits14", "other", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "better" in out
    assert "largest gains in IoU" in out
    assert "wall" in out
    assert "class 0" not in out
    assert main(["compare", "vits14", "other", "--json", "--results", str(tmp_path)]) == 0
    [found] = json.loads(capsys.readouterr().out)["comparisons"]
    assert (found["benchmark"], found["verdict"], len(found["per_class"])) == ("ade20k", "better", 4)
    assert {each["name"] for each in found["per_class"]} == {"wall", "building", "sky", "floor"}
    assert main(["compare", "vits14", "nobody", "--results", str(tmp_path)]) == 2
