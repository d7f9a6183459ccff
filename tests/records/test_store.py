"""The folder of records survives whatever is put into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmark.errors import RecordError
from benchmark.records.cell import key_of
from benchmark.records.store import RecordStore


@pytest.fixture
def store(tmp_path: Path) -> RecordStore:
    store = RecordStore(tmp_path / "results")
    store.ensure_writable()
    return store


def test_a_record_comes_back_as_it_was(store: RecordStore, make_record: Callable) -> None:
    record = make_record(metrics={"miou": 1 / 3, "per_class_iou": [None, 50.0]})
    store.add(record, None)
    assert store.read().records == [record]
    assert store.read().problems == []


def test_statistics_stand_beside_the_record(store: RecordStore, make_record: Callable) -> None:
    table = pd.DataFrame({"image": ["a", "b"], "intersection": [2**40, 1]})
    path = store.add(make_record(), table)
    pd.testing.assert_frame_equal(pd.read_parquet(path.with_suffix(".parquet")), table, check_dtype=False)


def test_a_record_is_never_overwritten(store: RecordStore, make_record: Callable) -> None:
    store.add(make_record(), None)
    with pytest.raises(FileExistsError):
        store.add(make_record(seed=1), None)
    assert store.read().records[0].seed == 0


def test_a_record_that_cannot_be_written_leaves_no_statistics(store: RecordStore, make_record: Callable) -> None:
    table = pd.DataFrame({"image": ["a"]})
    with pytest.raises(RecordError, match=r"record of ade20k cannot be written: metrics\.note\[1\] 'caf\\udce9' is"):
        store.add(make_record(metrics={"note": ["a", "caf\udce9"]}), table, b"gallery")
    assert list(store.runs.iterdir()) == []
    record = make_record()
    (store.runs / f"{record.id}.json").touch()
    with pytest.raises(FileExistsError):
        store.add(record, table, b"gallery")
    assert [path.name for path in store.runs.iterdir()] == [f"{record.id}.json"]


def test_the_newest_success_of_a_cell_is_found(store: RecordStore, make_record: Callable) -> None:
    for number, status in enumerate(["success", "success", "error"], 1):
        created = f"2026-01-0{number}T00:00:00+00:00"
        store.add(make_record(id=f"run{number}", created=created, status=status), None)
    assert store.find(key_of(make_record())).id == "run2"
    assert store.find("another") is None


@pytest.mark.parametrize(
    "change",
    [
        {"benchmark": "voc2012"},
        {"protocol": {"fingerprint": "p2"}},
        {"model": {"checkpoint_sha256": "b" * 64}},
        {"model": {"spec": {"num_heads": 3}}},
        {"data": {"fingerprint": "d2"}},
        {"seed": 1},
        {"limit": 5},
    ],
)
def test_each_part_of_its_identity_makes_another_cell(make_record: Callable, change: dict) -> None:
    assert key_of(make_record(**change)) != key_of(make_record())


def test_a_name_makes_no_other_cell(make_record: Callable) -> None:
    assert key_of(make_record(model={"name": "other"})) == key_of(make_record())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"schema_version": 1, "id": "bad"', "bad.json: not JSON"),
        ('{"schema_version": 2, "id": "bad"}', "bad.json: schema version 2, this DenseBench reads 1"),
        ("[]", "bad.json: schema version None"),
        ('{"schema_version": 1, "id": "bad"}', "bad.json: status: Field required"),
    ],
)
def test_a_file_that_is_no_record_is_named_and_the_rest_works(
    store: RecordStore, make_record: Callable, text: str, problem: str
) -> None:
    store.add(make_record(), None)
    (store.runs / "bad.json").write_text(text)
    contents = store.read()
    assert [record.id for record in contents.records] == [make_record().id]
    assert len(contents.problems) == 1
    assert contents.problems[0].startswith(problem)


def test_a_hand_edited_or_copied_record_is_named(store: RecordStore, make_record: Callable) -> None:
    path = store.add(make_record(), None)
    fields = json.loads(path.read_text())
    (store.runs / "copy.json").write_text(json.dumps(fields))
    (store.runs / "typo.json").write_text(json.dumps({**fields, "id": "typo", "sead": 3}))
    problems = "\n".join(store.read().problems)
    assert f"copy.json: holds the record {make_record().id}" in problems
    assert "typo.json: sead: Extra inputs are not permitted" in problems


def test_half_written_files_are_not_looked_at(store: RecordStore) -> None:
    (store.runs / ".run.json.x8f2").write_text("{")
    assert store.read().records == []
    assert store.read().problems == []


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="file/results cannot be written to: Not a directory"):
        RecordStore(tmp_path / "file" / "results").ensure_writable()


def test_a_score_that_is_no_number_is_never_stored(make_record: Callable) -> None:
    with pytest.raises(ValueError, match="finite number"):
        make_record(primary={"name": "miou", "value": float("nan"), "higher_is_better": True, "ci95": None})


def test_statistics_of_another_record_are_never_replaced(store: RecordStore, make_record: Callable) -> None:
    store.add(make_record(), pd.DataFrame({"a": [1]}))
    with pytest.raises(FileExistsError):
        store.add(make_record(), pd.DataFrame({"a": [2]}))
    assert pd.read_parquet(store.runs / f"{make_record().id}.parquet")["a"].tolist() == [1]
