"""The picture of a block, and the document it stands in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from specialization_figure import draw_block, main

from benchmark.backbones.presets import specialization_preset
from benchmark.backbones.specialization import Specialization

_DOCS = Path(__file__).parents[2] / "docs"


def _words(split: Specialization, depth: int) -> list[str]:
    [axes] = draw_block(split, depth).axes
    return [" ".join(text.get_text().split()) for text in axes.texts]


def test_split_layers_are_drawn_twice_with_their_blocks() -> None:
    words = _words(specialization_preset("norms+qkv", depth=12), 12)
    counts = {word: words.count(word) for word in ("Layer Norm", "Layer Scale", "Q, K, V", "linear", "MLP")}
    assert counts == {"Layer Norm": 4, "Layer Scale": 4, "Q, K, V": 2, "linear": 1, "MLP": 1}
    assert words.count("split in all 12") == 4
    assert words.count("split in blocks 0-3") == 1
    assert words.count("shared") == 2
    assert words.count("always shared") == 1


def test_a_low_rank_addition_is_drawn_on_the_shared_layer() -> None:
    words = _words(specialization_preset("norms+lora", depth=12), 12)
    assert words.count("Q, K, V") == 1
    assert "rank 128" in words


def test_an_ordinary_model_has_one_box_per_layer() -> None:
    words = _words(Specialization(), 12)
    assert words.count("shared") == 7
    assert not any(word.startswith("split") for word in words)


def test_the_picture_of_the_document_is_the_one_that_its_command_draws(tmp_path: Path) -> None:
    text = (_DOCS / "specialization.md").read_text("utf-8")
    [script] = re.findall(r"`python (docs/tools/\w+\.py) docs/specialization\.svg`", text)
    subprocess.run([sys.executable, _DOCS.parent / script, tmp_path / "specialization.svg"], check=True)
    assert (tmp_path / "specialization.svg").read_bytes() == (_DOCS / "specialization.svg").read_bytes()


def test_what_cannot_be_drawn_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "block.gif")]) == 2
    assert "must end with .svg or .png" in capsys.readouterr().err
    assert main([str(tmp_path / "block.svg"), "--preset", "norm"]) == 2
    assert "did you mean 'norms'" in capsys.readouterr().err
    assert main([str(tmp_path / "missing" / "block.svg")]) == 2
    assert "missing" in capsys.readouterr().err


def test_the_code_of_the_document_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    codes = re.findall(r"```python\n(.*?)```", (_DOCS / "specialization.md").read_text("utf-8"), re.DOTALL)
    assert len(codes) == 2
    for code in codes:
        exec(compile(code, "specialization.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == "ViT-Ti/14 norms+qkv[0-3]\n"
