"""Which records stand in which row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.protocols.read_settings import has_field
from benchmark.report.collect import collect
from benchmark.report.grouping import make_rows
from benchmark.report.statistics.intervals import Interval
from benchmark.report.tables.leaderboard import make_leaderboard

_SHORT = {"overrides": ["train.iterations=20"], "fingerprint": "short"}
_NO_TRAINING = {"fields": {"k": 20}, "fingerprint": "knn"}  # no train.iterations


@pytest.fixture
def knn(make_record: Callable) -> Callable:
    """Makes a record of a benchmark that trains nothing; voc2012 stands in for it."""

    def make(**changes: object) -> object:
        record = make_record(id="knn", benchmark="voc2012", **changes)
        fields = {"fields": _NO_TRAINING["fields"], "fingerprint": "knn"}
        return record.model_copy(update={"protocol": record.protocol.model_copy(update=fields)})

    return make


def _shape(records: list) -> dict[str, set[str]]:
    rows, _ = make_rows(records)
    return {row.label: set(row.scores) for row in rows}


def test_a_benchmark_without_the_overridden_field_joins_the_row_that_has_it(
    make_record: Callable, knn: Callable
) -> None:
    assert _shape([make_record(id="1", protocol=_SHORT), knn()]) == {
        "dinov2 (train.iterations=20)": {"ade20k", "voc2012"}
    }


def test_a_row_with_a_record_of_its_own_stays(make_record: Callable, knn: Callable) -> None:
    assert _shape([make_record(id="1"), make_record(id="2", protocol=_SHORT), knn()]) == {
        "dinov2": {"ade20k", "voc2012"},
        "dinov2 (train.iterations=20)": {"ade20k", "voc2012"},
    }


def test_a_benchmark_with_the_field_does_not_join(make_record: Callable) -> None:
    whole = make_record(id="2", benchmark="voc2012")
    assert _shape([make_record(id="1", protocol=_SHORT), whole]) == {
        "dinov2": {"voc2012"},
        "dinov2 (train.iterations=20)": {"ade20k"},
    }


def test_overrides_a_record_has_must_all_be_those_of_the_row(make_record: Callable, knn: Callable) -> None:
    other = knn(protocol={"overrides": ["backbone.num_heads=6"]})
    assert _shape([make_record(id="1", protocol=_SHORT), other]) == {
        "dinov2 (train.iterations=20)": {"ade20k"},
        "dinov2 (backbone.num_heads=6)": {"voc2012"},
    }


def test_rows_of_other_checkpoints_and_families_are_not_joined(make_record: Callable, knn: Callable) -> None:
    short = make_record(id="1", protocol=_SHORT)
    assert len(_shape([short, knn(model={"checkpoint_sha256": "b" * 64})])) == 2
    assert len(_shape([short, knn(protocol={"family": "dinov3"})])) == 2


@pytest.mark.parametrize(
    ("path", "there"), [("a.b", True), ("a", True), ("a.c", False), ("a.b.c", False), ("d", False)]
)
def test_a_field_is_a_dotted_path(path: str, there: bool) -> None:
    assert has_field({"a": {"b": None}}, path) is there


def test_the_interval_and_the_spread_over_seeds_stay_apart(
    add_record: Callable, counts: Callable, tmp_path: Path
) -> None:
    add_record(statistics=counts(1), seed=0)
    add_record(statistics=counts(2), seed=1)
    found = collect(tmp_path)
    [row] = make_rows(found.records, found.estimates)[0]
    cell = row.scores["ade20k"]
    values = [record.primary.value for record in cell.records]
    assert cell.value == pytest.approx(sum(values) / 2)
    assert cell.seed_std == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert cell.interval.low < cell.value < cell.interval.high


def test_an_interval_that_a_record_states_is_shown(make_record: Callable) -> None:
    primary = {"name": "miou", "value": 44.25, "higher_is_better": True, "ci95": [43.0, 45.5]}
    [row] = make_rows([make_record(primary=primary)])[0]
    assert row.scores["ade20k"].interval == Interval(43.0, 45.5, "of the record")
    assert make_leaderboard([make_record(primary=primary)]).table["ade20k_miou_ci95"].tolist() == ["43.00-45.50"]
