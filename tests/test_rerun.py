"""A record's run can be repeated, and the command says whether it agrees."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.records.store import RecordStore
from benchmark.rerun import Reproduction, changes


@pytest.fixture(scope="module")
def finished(mini_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with one short run."""
    results = tmp_path_factory.mktemp("results")
    words = [
        "run",
        "ade20k",
        "--checkpoint",
        "pixels",
        "--protocol",
        "mini",
        "train.iterations=2",
        "train.batch_size=2",
    ]
    assert main([*words, "--data-root", str(mini_data), "--results", str(results), "--device", "cpu"]) == 0
    return results


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "results"))


def _only(results: Path) -> str:
    [path] = (results / "runs").glob("*.json")
    return path.stem


def _rerun(results: Path, identity: str, *words: str) -> int:
    return main(["rerun", identity, "--results", str(results), "--device", "cpu", *words])


def test_a_second_run_agrees_and_leaves_a_record_of_its_own(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = _only(results)
    assert _rerun(results, earlier) == 0  # data and weights where the record's command had them
    assert "agrees (difference +0.00e+00 %, tolerance 0.005 %)" in capsys.readouterr().out
    # within one second the records' order is chance
    first, second = sorted(RecordStore(results).read().records, key=lambda record: record.id != earlier)
    assert first.primary == second.primary
    assert second.command.startswith("densebench rerun")


def test_another_number_does_not_agree(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "runs" / f"{_only(results)}.json"
    fields = json.loads(path.read_text())
    fields["primary"]["value"] += 0.5
    fields["environment"]["packages"]["torch"] = "1.0"
    path.write_text(json.dumps(fields))
    assert _rerun(results, path.stem) == 1
    out = capsys.readouterr().out
    assert "does NOT agree" in out
    assert "differs: torch 1.0, now" in out


def test_a_wider_tolerance_can_be_given(make_record: Callable) -> None:
    other = {"name": "miou", "value": 44.3, "higher_is_better": True, "ci95": None}
    assert not Reproduction(make_record(), make_record(primary=other), 0.005).agrees
    assert Reproduction(make_record(), make_record(primary=other), 0.1).agrees
    assert not Reproduction(make_record(), make_record(data={"fingerprint": "d2"}), 0.1).agrees


def test_other_weights_are_refused(results: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _rerun(results, _only(results), "--checkpoint", str(checkpoint)) == 2
    assert "is not what" in capsys.readouterr().err


def test_a_protocol_that_has_changed_since_is_refused(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "runs" / f"{_only(results)}.json"
    fields = json.loads(path.read_text())
    fields["protocol"]["fingerprint"] = "old"
    fields["protocol"]["fields"]["loss"] = {"average": "labelled"}
    path.write_text(json.dumps(fields))
    assert _rerun(results, path.stem) == 2
    assert "it differs in loss" in capsys.readouterr().err


def test_an_unknown_record_is_an_error(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _rerun(results, "nobody") == 2
    assert "no successful record 'nobody'" in capsys.readouterr().err


def test_changes_of_the_place_are_listed(make_record: Callable) -> None:
    then = make_record(environment={"packages": {"torch": "2.12"}, "git_commit": "a"}).environment
    now = make_record(environment={"packages": {"torch": "2.13", "numpy": "2"}, "git_commit": "b"}).environment
    assert changes(then, now) == ["torch 2.12, now 2.13", "numpy absent, now 2", "commit a, now b"]


def test_a_run_that_left_images_out_is_repeated_as_it_was(
    mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))
    data = tmp_path / "data"
    shutil.copytree(mini_data / "imagenet", data / "imagenet")
    image = sorted((data / "imagenet/val").rglob("*.*"))[1]
    image.write_bytes(image.read_bytes()[:200])
    results = tmp_path / "results"
    places = ("--data-root", str(data), "--results", str(results), "--device", "cpu")
    words = ("imagenet-knn", "--checkpoint", "pixels", "--protocol", "mini", "--on-bad-image", "skip")
    assert main(["run", *words, *places]) == 0
    first = _only(results)
    assert _rerun(results, first, "--data-root", str(data)) == 0
    [second] = [record for record in RecordStore(results).read().records if record.id != first]
    assert second.metrics["images_left_out"] == {"train": 0, "val": 1}
    assert "agrees" in capsys.readouterr().out
