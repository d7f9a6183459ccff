"""Parameters written out, against models that are built, and against the paper."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from specialization_table import PRINTED, added_parameters, main, shared_parameters, table, with_table

from benchmark.backbones import VisionTransformer, build_vit
from benchmark.backbones.cost import count_params
from benchmark.backbones.presets import specialization_preset
from benchmark.backbones.specialization import Specialization
from benchmark.configs import backbone_presets
from benchmark.errors import UsageError

_ROOT = Path(__file__).parents[2]
_DOCUMENT = _ROOT / "docs" / "specialization.md"
_SIZES = backbone_presets()["sizes"]


@pytest.mark.parametrize("size", _SIZES)
def test_the_sum_is_what_a_built_model_has(size: str) -> None:
    split = Specialization(
        norm1=(0, 3), norm2=(1,), ls1=(2,), ls2=(0,), qkv=(0, 1), proj=(2,), mlp=(0, 3), final_norm=True
    )
    low_rank = replace(split, qkv=(), qkv_lora=(0, 3), lora_rank=16)
    with torch.device("meta"):
        shared = build_vit(size, image_size=518)
        assert count_params(shared) == shared_parameters(_SIZES[size])
        for each in (split, low_rank):
            built = count_params(VisionTransformer(replace(shared.spec, split=each)))
            assert built - count_params(shared) == added_parameters(each, _SIZES[size])


@pytest.mark.parametrize(("preset", "printed"), PRINTED.items())
def test_percentages_of_vit_l_are_those_that_the_paper_prints(preset: str, printed: str) -> None:
    size = _SIZES["L"]
    share = 100 * added_parameters(specialization_preset(preset, depth=24), size) / shared_parameters(size)
    assert f"{share:.{len(printed.partition('.')[2])}f}" == printed


def test_the_table_of_the_document_is_the_one_that_is_computed() -> None:
    text = _DOCUMENT.read_text("utf-8")
    assert table() in text
    assert with_table(text) == text  # else: python docs/tools/specialization_table.py docs/specialization.md


def test_the_command_of_the_document_prints_the_table() -> None:
    [script] = re.findall(r"<!-- table: python (docs/tools/\w+\.py) -->", _DOCUMENT.read_text("utf-8"))
    done = subprocess.run([sys.executable, _ROOT / script], check=True, capture_output=True, encoding="utf-8")
    assert done.stdout == table() + "\n"


def test_the_table_is_written_into_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "mine.md"
    text = _DOCUMENT.read_text("utf-8")
    document.write_text(text.replace("25.3 M", "25.4 M"), "utf-8")
    assert main([str(document)]) == 0
    assert document.read_text("utf-8") == text
    document.write_text("no place", "utf-8")
    assert main([str(document)]) == 2
    assert "no place for the table" in capsys.readouterr().err
    assert main([str(tmp_path / "missing.md")]) == 2
    assert "missing.md" in capsys.readouterr().err
    with pytest.raises(UsageError, match="write <!-- table"):
        with_table("")
