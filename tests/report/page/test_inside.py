"""Figures of ``densebench analyze`` on the page."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from benchmark.backbones.presets import build_vit
from benchmark.backbones.saving import save_backbone
from benchmark.cli import main
from benchmark.errors import RecordError
from benchmark.report.commands import collect_from
from benchmark.report.page.build import build_page
from benchmark.report.page.inside import make_inside


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with one analysis."""
    folder = tmp_path_factory.mktemp("analysed")
    save_backbone(build_vit("tiny", image_size=56), folder / "vit.pth")
    words = ["analyze", "--checkpoint", str(folder / "vit.pth"), "--size", "56", "--limit", "1"]
    assert main([*words, "--results", str(folder / "results"), "--device", "cpu"]) == 0
    return folder / "results"


def test_every_figure_is_embedded_with_its_caption(analysed: Path) -> None:
    [inside], notes = make_inside(analysed)
    drawn = sorted(path.stem for path in (analysed / inside.folder).glob("*.png"))
    assert sorted(figure.name for figure in inside.figures) == drawn
    assert notes == []
    html = build_page(collect_from(analysed), analysed / "runs")
    for figure in inside.figures:
        assert figure.uri in html
        assert figure.width <= 1400
    assert inside.title == "vit"


def test_a_figure_that_is_not_there_is_named(analysed: Path, tmp_path: Path) -> None:
    shutil.copytree(analysed / "analysis" / "vit", tmp_path / "analysis" / "vit")
    (tmp_path / "analysis" / "vit" / "norms.png").unlink()
    with pytest.raises(RecordError, match=r"norms\.png cannot be read; run `densebench analyze` again, or remove"):
        make_inside(tmp_path)


def test_the_newest_analyses_are_shown_and_the_others_named(analysed: Path, tmp_path: Path) -> None:
    for number in range(5):
        copied = shutil.copytree(analysed / "analysis" / "vit", tmp_path / "analysis" / f"vit{number}")
        os.utime(copied / "summary.json", (number, number))
    shown, notes = make_inside(tmp_path)
    assert [Path(inside.folder).name for inside in shown] == ["vit4", "vit3", "vit2"]
    assert notes[0].startswith("2 more are in")
