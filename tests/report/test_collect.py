"""Records that cannot be trusted are named and left out; the others work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.cli import main
from benchmark.report.collect import collect


@pytest.fixture
def edit(tmp_path: Path) -> Callable[..., None]:
    """Returns a function that edits a record's file."""

    def change(identity: str, change: Callable[[dict], None]) -> None:
        path = tmp_path / "runs" / f"{identity}.json"
        fields = json.loads(path.read_text())
        change(fields)
        path.write_text(json.dumps(fields))

    return change


def test_sound_records_are_all_there(add_record: Callable, tmp_path: Path) -> None:
    add_record(id="a")
    add_record(id="b", benchmark="nyu")
    found = collect(tmp_path)
    assert [record.id for record in found.records] == ["a", "b"]
    assert (found.problems, found.unverified) == ([], frozenset())


def test_every_kind_of_damage_is_named_and_the_rest_works(
    add_record: Callable, counts: Callable, edit: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("good", "cut", "future", "value", "both", "swapped", "torn")):
        add_record(id=name, statistics=counts(number), model={"name": name, "checkpoint_sha256": f"{number}" * 64})
    runs = tmp_path / "runs"
    cut = (runs / "cut.json").read_text()
    (runs / "cut.json").write_text(cut[: len(cut) // 2])
    edit("future", lambda fields: fields.update(schema_version=2))
    edit("value", lambda fields: fields["primary"].update(value=fields["primary"]["value"] + 0.01))

    def raise_both(fields: dict) -> None:
        fields["primary"]["value"] += 0.01
        fields["metrics"]["miou"] += 0.01

    edit("both", raise_both)
    shutil.copy(runs / "good.parquet", runs / "swapped.parquet")
    (runs / "torn.parquet").write_bytes((runs / "torn.parquet").read_bytes()[:-100])
    shutil.copy(runs / "good.json", runs / "copy.json")

    assert main(["leaderboard", "--results", str(tmp_path)]) == 1
    board = (tmp_path / "leaderboard.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in board[1:]] == ["good"]
    said = capsys.readouterr().err
    for text in (
        "cut.json: not JSON",
        "future.json: schema version 2",
        "value.json: edited: its value is",
        "both.json: edited: its value is",
        "swapped.json: edited: its value is",
        "torn.json: torn.parquet: not a parquet file",
        "copy.json: holds the record good",
    ):
        assert f"left out: {text}" in said


def test_a_copy_under_another_identity_is_found(add_record: Callable, edit: Callable, tmp_path: Path) -> None:
    add_record(id="a")
    for end in ("json", "parquet"):
        shutil.copy(tmp_path / "runs" / f"a.{end}", tmp_path / "runs" / f"b.{end}")
    edit("b", lambda fields: fields.update(id="b", per_image="b.parquet"))
    found = collect(tmp_path)
    assert [record.id for record in found.records] == ["a"]
    assert found.problems == ["b.json: a copy of a"]


def test_borrowed_statistics_are_found(add_record: Callable, edit: Callable, tmp_path: Path) -> None:
    add_record(id="a")
    add_record(id="b")
    edit("b", lambda fields: fields.update(per_image="a.parquet"))
    assert collect(tmp_path).problems == ["b.json: its statistics are another record's, a.parquet"]


def test_a_record_without_its_statistics_keeps_its_place_and_is_flagged(
    add_record: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = add_record(id="a")
    (tmp_path / "runs" / "a.parquet").unlink()
    assert main(["leaderboard", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"{record.primary.value:.2f}" in out
    assert "flag: unverified: 1 run without per-image statistics" in out


def test_intervals_are_computed_once(add_record: Callable, tmp_path: Path) -> None:
    add_record(id="a")
    said: list[str] = []
    collect(tmp_path, said.append)
    before = (tmp_path / "intervals.json").read_bytes()
    assert said == ["computing intervals"]
    collect(tmp_path, said.append)
    assert len(said) == 1
    assert (tmp_path / "intervals.json").read_bytes() == before


def test_many_intervals_say_every_ten_seconds_how_many_are_done(
    add_record: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in (0, 4, 9, 11):
        add_record(id=f"after-{seconds}", model={"name": str(seconds)})
    clock = iter((0, 4, 9, 11))
    monkeypatch.setattr("benchmark.report.statistics.estimates.time", SimpleNamespace(monotonic=lambda: next(clock)))
    said: list[str] = []
    collect(tmp_path, said.append)
    assert said == ["computing intervals", "computing intervals, 3 done"]


def test_an_interval_is_computed_again_when_its_statistics_change(
    add_record: Callable, counts: Callable, tmp_path: Path
) -> None:
    add_record(id="a", statistics=counts(0))
    collect(tmp_path)
    counts(1).to_parquet(tmp_path / "runs" / "a.parquet")
    assert "edited" in collect(tmp_path).problems[0]


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 0}'])
def test_an_unreadable_file_of_intervals_is_made_anew(add_record: Callable, tmp_path: Path, content: str) -> None:
    add_record(id="a")
    (tmp_path / "intervals.json").write_text(content)
    assert collect(tmp_path).problems == []
    assert "a" in json.loads((tmp_path / "intervals.json").read_text())["entries"]


def test_records_are_never_written(add_record: Callable, tmp_path: Path) -> None:
    add_record(id="a")
    before = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    main(["leaderboard", "--results", str(tmp_path)])
    assert {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()} == before
