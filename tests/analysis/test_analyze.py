"""`densebench analyze` as a user meets it, and what a report reads back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from benchmark.analysis import analyze as analysis
from benchmark.analysis.analyze import checkpoint_names
from benchmark.analysis.stored import StoredAnalysis, read_analysis, stored_analyses
from benchmark.backbones import save_backbone
from benchmark.backbones.specialization import Specialization
from benchmark.cli import main
from benchmark.errors import RecordError

_FIGURES = [
    "cosines",
    "after_norms",
    "norm1_by_block",
    "cosines_by_block",
    "dimensions",
    "norms",
    "attention_by_block",
    "principal_colours",
    "attention_maps",
]


@pytest.fixture(scope="module")
def folder(make_vit: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared and a specialised checkpoint, and one of another patch size without LayerScale."""
    root = tmp_path_factory.mktemp("checkpoints")
    save_backbone(make_vit(), root / "shared.pth")
    special = make_vit(split=Specialization(norm1=(0, 1)), num_registers=2, attention_bias=True, depth=2)
    save_backbone(special, root / "special.pth")
    save_backbone(make_vit(layer_scale=False, patch_size=8, depth=1), root / "plain.safetensors")
    return root


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Side by side, on rendered rooms, into a results folder; every figure is drawn once, for that takes time."""
    root = tmp_path_factory.mktemp("results")
    words = [f"--checkpoint={folder / name}" for name in ("special.pth", "plain.safetensors")]
    assert main(["analyze", *words, "--size", "56", "--limit", "3", "--results", str(root), "--device", "cpu"]) == 0
    return root


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the figures out."""
    monkeypatch.setattr(analysis, "draw_all", lambda *_: {})


@pytest.fixture(scope="module")
def stored(results: Path) -> StoredAnalysis:
    [stored] = stored_analyses(results)
    return stored


def test_a_report_finds_figures_table_and_summary(results: Path, stored: StoredAnalysis) -> None:
    assert stored.folder == results / "analysis" / "special_vs_plain"
    assert stored.checkpoints == ("special", "plain")
    assert [figure.name for figure in stored.figures] == _FIGURES
    for figure in stored.figures:
        assert figure.png.read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in figure.svg.read_bytes()
        assert figure.caption.endswith(".")
    assert stored.summary["pictures"] == {
        "source": "rendered rooms",
        "count": 3,
        "size": 56,
        "shown": ["room 0", "room 1", "room 2"],
    }


def test_the_table_is_tidy(stored: StoredAnalysis) -> None:
    frame = stored.statistics
    assert list(frame.columns) == ["checkpoint", "block", "place", "statistic", "mean", "std", "n"]
    assert not frame.duplicated(["checkpoint", "block", "place", "statistic"]).any()
    assert set(frame.n) == {3}
    assert sorted(set(frame[frame.checkpoint == "special"].block)) == ["0", "1", "mean"]
    cosines = frame[frame.statistic.isin(["cls_patch", "patch_patch"])]
    assert cosines["mean"].between(-1, 1).all()
    by_block = frame[frame.block != "mean"].groupby(["checkpoint", "place", "statistic"])["mean"].mean()
    over_blocks = frame[frame.block == "mean"].set_index(["checkpoint", "place", "statistic"])["mean"]
    pd.testing.assert_series_equal(by_block.sort_index(), over_blocks.sort_index(), rtol=1e-4, atol=1e-6)


def test_the_summary_agrees_with_the_table(stored: StoredAnalysis) -> None:
    frame = stored.statistics
    row = frame[(frame.checkpoint == "special") & (frame.block == "mean") & (frame.place == "norm1")]
    expected = row[row.statistic == "cls_patch"]["mean"].item()
    special, plain = (stored.summary["checkpoints"][name] for name in ("special", "plain"))
    assert special["cosines"]["norm1"]["cls_patch"]["after"] == pytest.approx(expected, rel=1e-5)
    assert special["cosines"]["attn"]["cls_patch"]["before"] == pytest.approx(expected, rel=1e-5)
    assert special["specialization"] == "norm1"
    assert set(special["cls_attention"]) == {"cls", "patches", "registers", "bias"}
    assert special["norms"]["registers_mean"] > 0
    assert plain["norms"]["registers_mean"] is None
    assert set(plain["cosines"]) == {"norm1", "attn", "norm2", "mlp"}  # it has no LayerScale
    norms = frame[(frame.checkpoint == "special") & (frame.block == "1") & (frame.place == "output")]
    norms = norms.set_index("statistic")["mean"]
    assert special["norms"]["cls_mean"] == pytest.approx(norms["cls_norm"], rel=1e-5)
    assert special["norms"]["patches_largest"] >= norms["largest_patch_norm"]
    assert special["norms"]["patches_median"] < norms["largest_patch_norm"]
    assert special["norms"]["registers_mean"] == pytest.approx(norms["register_norm"], rel=1e-5)
    largest = special["largest_dimensions"]["1"]["cls"]
    assert [entry["magnitude"] for entry in largest] == sorted((entry["magnitude"] for entry in largest), reverse=True)


@pytest.mark.usefixtures("no_figures")
def test_the_same_command_writes_the_same_table(folder: Path, tmp_path: Path) -> None:
    words = ["analyze", "--checkpoint", str(folder / "plain.safetensors"), "--size", "16", "--limit", "1"]
    for name in ("one", "two"):
        assert main([*words, "--output", str(tmp_path / name)]) == 0
    for name in ("statistics.csv", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.usefixtures("no_figures")
def test_the_main_figures_are_printed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.radial_gradient("L").save(pictures / "round.png")
    command = ["analyze", str(pictures), "--checkpoint", str(folder / "special.pth"), "--size", "28"]
    assert main([*command, "--output", str(tmp_path / "out"), "backbone.mean=[0.5,0.5,0.5]"]) == 0
    text = capsys.readouterr().out
    assert f"1 picture of 28 px from {pictures}" in text
    ends = read_analysis(tmp_path / "out").summary["checkpoints"]["special"]["cosines"]["norm1"]
    numbers = [float(number) for number in re.findall(r"[+-]0\.\d{3}", text.partition("LayerNorm 1")[2])[:4]]
    expected = [ends[statistic][end] for statistic in ("cls_patch", "patch_patch") for end in ("before", "after")]
    assert numbers == pytest.approx(expected, abs=5e-4)
    assert "high-norm outliers" in text
    assert str(tmp_path / "out") in text


@pytest.mark.usefixtures("no_figures")
def test_an_option_of_the_checkpoint_is_no_folder_of_pictures(folder: Path, tmp_path: Path) -> None:
    command = ["analyze", "--checkpoint", str(folder / "special.pth"), "--size", "28", "--limit", "1"]
    assert main([*command, "--output", str(tmp_path), "backbone.norm_eps=0.1", "backbone.mean=[0,0,0]"]) == 0
    assert read_analysis(tmp_path).summary["pictures"]["source"] == "rendered rooms"


def _refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["analyze", *words]) == 2
    return capsys.readouterr().err


def test_what_cannot_be_analysed_ends_with_code_2_and_says_why(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = ["--checkpoint", str(folder / "shared.pth"), "--output", str(tmp_path / "out")]
    assert "holds no picture" in _refused([*checkpoint, str(tmp_path)], capsys)
    assert "multiple of 14 and at least two of them, not 64; give for example --size 56" in _refused(
        [*checkpoint, "--size", "64"], capsys
    )
    assert "--size 28" in _refused([*checkpoint, "--size", "14"], capsys)
    assert "without hf:, timm: or a build function" in _refused(["--checkpoint", "pixels"], capsys)
    assert "give 6 at most" in _refused(["--checkpoint", "a.pth"] * 7, capsys)
    broken = tmp_path / "pictures" / "broken.jpg"
    broken.parent.mkdir()
    broken.write_bytes(b"\xff\xd8\xff no more")
    assert "broken.jpg cannot be read" in _refused([*checkpoint, "--size", "56", str(broken.parent)], capsys)
    assert not (tmp_path / "out").exists()


def test_a_second_checkpoint_that_does_not_fit_is_refused_before_the_first_runs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--checkpoint={folder / name}" for name in ("shared.pth", "plain.safetensors")]
    error = _refused([*words, "--size", "28", "--output", str(tmp_path / "out")], capsys)
    assert "plain.safetensors has patches of 8 pixels" in error
    assert "pictures:" not in error  # no progress of the first


def test_files_called_the_same_are_told_apart_by_their_folders() -> None:
    assert checkpoint_names(["runs/a/last.pth", "runs/b/last.pth"]) == ["a/last", "b/last"]
    assert checkpoint_names(["x.pth"]) == ["x"]
    assert checkpoint_names(["x.pth", "x.pth"]) == ["x (1)", "x (2)"]


def test_a_checkpoint_that_is_this_folder_has_the_folders_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vit" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "vit")
    assert checkpoint_names(["."]) == ["vit"]
    monkeypatch.chdir(tmp_path / "vit" / "sub")
    assert checkpoint_names([".."]) == ["vit"]


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("long", ["long" * 30, "\u9053" * 60])
def test_many_long_names_make_a_folder_that_file_systems_take(
    folder: Path, tmp_path: Path, long: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [tmp_path / f"{long}{letter}.safetensors" for letter in "abc"]
    for name in names:
        shutil.copy(folder / "plain.safetensors", name)
    words = [f"--checkpoint={name}" for name in names]
    for some in (words, words[:2]):
        assert main(["analyze", *some, "--size", "16", "--limit", "1", "--results", str(tmp_path / "results")]) == 0
    assert len(stored_analyses(tmp_path / "results")) == 2
    capsys.readouterr()


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    words = ["--checkpoint", str(folder / "shared.pth"), "--size", "28", "--limit", "1"]
    for option in (["--output", str(tmp_path / "file")], ["--results", str(tmp_path / "file" / "results")]):
        error = _refused([*words, *option], capsys)
        assert "file is not a writable folder" in error
        assert "pictures:" not in error


def test_a_kill_while_an_analysis_is_replaced_leaves_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    words = ["analyze", "--checkpoint", str(folder / "plain.safetensors"), "--size", "16", "--limit", "1"]
    for draw, code, found in ((lambda *_: {}, 0, 1), (killed, 130, 0)):
        monkeypatch.setattr(analysis, "draw_all", draw)
        assert main([*words, "--results", str(tmp_path)]) == code
        assert len(stored_analyses(tmp_path)) == found


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not a readable analysis"):
        read_analysis(tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps({"schema_version": 99}))
    (tmp_path / "statistics.csv").write_text("checkpoint,block\n")
    with pytest.raises(RecordError, match="schema version 99"):
        read_analysis(tmp_path)
    assert stored_analyses(tmp_path) == []


def test_reading_an_analysis_back_needs_no_torch(results: Path) -> None:
    code = (
        "import sys, pathlib; from benchmark.analysis.stored import stored_analyses\n"
        f"assert stored_analyses(pathlib.Path({str(results)!r}))\n"
        "print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
