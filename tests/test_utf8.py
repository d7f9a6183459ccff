"""Names that are not UTF-8: refused or escaped before work begins."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.cache import VARIABLE, features_folder
from benchmark.cli import main
from benchmark.cli.main import _VERBS
from benchmark.errors import DataError, RecordError
from benchmark.probing import run as cells
from benchmark.probing.classification import knn
from benchmark.probing.runner import labelled_runner
from benchmark.records.store import RecordStore
from benchmark.utf8 import is_utf8, printable

STRANGE = os.fsdecode(b"caf\xe9")


def test_text_that_can_be_written_down_is_left_as_it_is() -> None:
    for text in ("a.jpg", "caf\u00e9", "\u9053", "\U0001f600", ""):
        assert is_utf8(text)
        assert printable(text) == text


def test_bytes_that_are_no_utf_8_are_escaped() -> None:
    assert not is_utf8(STRANGE)
    assert printable(STRANGE) == "caf\\udce9"
    assert str(DataError(f"{STRANGE} is missing")) == "caf\\udce9 is missing"


VERBS = {
    "run": ("ade20k", "--checkpoint", "pixels", "--name", STRANGE),
    "list": ("--data-root", STRANGE),
    "check": ("--checkpoint", f"{STRANGE}.pth"),
    "data": ("voc2012", "--from", f"{STRANGE}.tar"),
    "extract": ("--checkpoint", "pixels", "--dataset", "nyu", "--output", STRANGE),
    "specialize": ("a.pth", f"{STRANGE}.pth", "--preset", "norms"),
    "analyze": (STRANGE, "--checkpoint", "a.pth"),
    "pretrain": ("a.pth", "--recipe", "dino", f"data.comment={STRANGE}"),
    "leaderboard": ("--results", STRANGE),
    "compare": (STRANGE, "b"),
    "ablation": (STRANGE,),
    "report": ("--results", STRANGE),
    "rerun": (STRANGE,),
    "ablation-mini": ("--results", STRANGE),
    "demo": ("--results", STRANGE),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_an_argument_that_is_not_utf_8_on_one_line(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([verb, *VERBS[verb]]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: '")
    assert "caf\\udce9" in said
    assert "is not UTF-8, and records and tables take nothing else; rename" in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_no_verb_is_forgotten() -> None:
    assert len(VERBS) == len(_VERBS)


def test_a_terminal_that_cannot_show_a_name_does_not_end_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["list", "--data-root", str(tmp_path / "caf\u00e9")]) == 0
    sys.stdout.flush()
    assert b"caf\\xe9/ade20k" in written.getvalue()


def test_a_name_that_comes_from_elsewhere_is_refused_before_anything_runs(
    mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(knn, "RUNNER", labelled_runner(lambda *_: pytest.fail("it ran")))
    options = cells.RunOptions(data_root=mini_data, results=tmp_path, name=STRANGE, protocol="mini")
    assert cells.run_cells([BENCHMARKS["imagenet-knn"]], "pixels", options) == 1
    assert "imagenet-knn cannot be written: model.name 'caf\\udce9' is not UTF-8" in capsys.readouterr().err
    assert not list((tmp_path / "runs").iterdir())


def test_a_failure_that_names_such_a_file_is_recorded(
    mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError(STRANGE)

    monkeypatch.setattr(knn, "RUNNER", labelled_runner(fail))
    options = cells.RunOptions(data_root=mini_data, results=tmp_path, protocol="mini")
    assert cells.run_cells([BENCHMARKS["imagenet-knn"]], "pixels", options) == 1
    [record] = RecordStore(tmp_path).read().records
    assert record.error.endswith("ValueError: caf\\udce9\n")


def test_a_command_runs_in_a_folder_whose_own_name_is_not_utf_8(
    mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> None:
    place = tmp_path / STRANGE
    shutil.copytree(mini_data / "imagenet", place / "data/imagenet")
    shutil.copy(checkpoint, place / "vit.pth")
    monkeypatch.chdir(place)
    words = ("--checkpoint", "vit.pth", "--protocol", "mini")
    assert main(["run", "imagenet-knn", *words]) == 0
    assert main(["analyze", "data/imagenet/val", "--checkpoint", "vit.pth", "--size", "28", "--limit", "1"]) == 0
    assert main(["report"]) == 0


def test_a_feature_store_is_refused_where_no_feature_could_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / STRANGE))
    with pytest.raises(RecordError, match=rf"caf\\udce9 is not UTF-8, .* set {VARIABLE} to another"):
        features_folder()


def test_records_of_others_with_such_names_are_left_out_by_name(
    tmp_path: Path, make_record: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    fields = make_record(id="odd").model_dump()
    fields["model"]["name"] = STRANGE
    (store.runs / "odd.json").write_text(json.dumps(fields))
    (store.runs / f"{STRANGE}.json").write_text("{")
    store.add(make_record(model={"name": "\U0001f600"}), None)
    emoji = make_record(id="emoji", model={"name": "\U0001f600"})
    (store.runs / "emoji.json").write_text(json.dumps(emoji.model_dump()))  # as a pair of surrogates
    for verb in ("leaderboard", "report"):
        assert main([verb, "--results", str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert "left out: odd.json: model.name 'caf\\udce9' is not UTF-8" in said
        assert "left out: caf\\udce9.json: not JSON" in said
        assert "emoji.json: a copy" in said
