"""`densebench check --checkpoint`: what it prints, and when it says no."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import load_backbone
from benchmark.backbones.saving import save_backbone
from benchmark.backbones.specialization import Specialization
from benchmark.cli import main
from benchmark.doctor import checkpoint as doctor
from benchmark.doctor import examine as look
from benchmark.tasks import Forwards


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times at a small size: what is tested here is not how long they take."""
    small = Forwards((28, 42), (14, 28), train=36_000, val=0)
    monkeypatch.setattr("benchmark.load_protocol.Protocol.forwards", lambda *_: small)


def test_a_good_checkpoint_is_described(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--checkpoint", str(checkpoint)]) == 0
    text = capsys.readouterr().out
    for line in (
        r"layout +dinov2",
        r"left out \(1\) +used in pre-training only: mask_token",
        r"name +ViT-192x2/14",
        r"heads +3 of 64",
        r"positions +learned, 4 x 4 \(56 px\); other sizes bicubic, offset 0.1, without antialiasing",
        r"order +8 of 8 patches",
        r"repeated +identical",
        r"\nAssumed\n +num_heads +3\n +norm_eps +1e-06",
        r"verdict: good",
    ):
        assert re.search(line, text), line


def test_keys_left_out_for_reasons_of_one_count_are_all_shown(make_vit: Callable, tmp_path: Path) -> None:
    beside = {"mask_token": torch.zeros(1, 48), "head.weight": torch.ones(2, 48)}
    torch.save({**make_vit().state_dict(), **beside}, tmp_path / "vit.pth")
    found = doctor.check_checkpoint(str(tmp_path / "vit.pth"), BackboneOptions(num_heads=4), torch.device("cpu"))
    assert found.sections["File"]["left out (1)"] == "used in pre-training only: mask_token; classifier: head.weight"


def test_a_grid_that_is_no_square_and_a_spec_that_tells_everything_are_shown(
    make_vit: Callable, tmp_path: Path
) -> None:
    save_backbone(make_vit(grid_size=(2, 8)), tmp_path / "vit.pth")
    sections = doctor.check_checkpoint(str(tmp_path / "vit.pth"), BackboneOptions(), torch.device("cpu")).sections
    assert sections["Architecture"]["positions"].startswith("learned, 2 x 8 (28 x 112 px)")
    assert [*sections["Assumed"]] == ["nothing"]


def test_specialisation_and_its_overhead_are_shown(
    make_vit: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = Specialization(norm1=(0, 1, 2), qkv=(0,))
    save_backbone(make_vit(split=split, num_registers=2, attention_bias=True), tmp_path / "vit.safetensors")
    assert main(["check", "--checkpoint", str(tmp_path / "vit.safetensors"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    architecture = found["sections"]["Architecture"]
    assert architecture["specialisation"] == "norm1+qkv[0]"
    assert architecture["registers go with"] == "[PATCH]"
    assert "2 registers" in architecture["tokens"]
    assert "attention bias" in architecture["tokens"]
    assert "more than shared, +" in found["sections"]["Cost"]["of these split"]
    assert found["verdict"] == "good"


def test_what_keys_do_not_tell_can_be_given(make_vit: Callable, tmp_path: Path) -> None:
    torch.save(dict(make_vit().state_dict()), tmp_path / "vit.pth")
    assert main(["check", "--checkpoint", str(tmp_path / "vit.pth")]) == 2
    assert main(["check", "--checkpoint", str(tmp_path / "vit.pth"), "backbone.num_heads=4"]) == 0


def test_a_blind_checkpoint_is_not_usable(
    make_vit: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vit = make_vit()
    vit.patch_embed.proj.weight.zero_()
    save_backbone(vit, tmp_path / "vit.pth")
    assert main(["check", "--checkpoint", str(tmp_path / "vit.pth")]) == 1
    assert "features hardly depend on the image" in capsys.readouterr().out


def test_overflowing_features_are_not_usable(
    make_vit: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vit = make_vit()
    vit.blocks[0].mlp.fc2.bias.fill_(3e38)
    vit.blocks[0].ls2.gamma.fill_(10.0)
    save_backbone(vit, tmp_path / "vit.pth")
    assert main(["check", "--checkpoint", str(tmp_path / "vit.pth")]) == 1
    assert "NaN or infinite" in capsys.readouterr().out


def test_the_floor_can_be_checked_too() -> None:
    found = doctor.check_checkpoint("pixels", BackboneOptions(), torch.device("cpu"))
    assert found.verdict == "good"
    assert found.sections["Cost"]["parameters"] == "0"


def test_lines_keep_within_the_terminal(checkpoint: Path) -> None:
    found = doctor.check_checkpoint(str(checkpoint), BackboneOptions(), torch.device("cpu"))
    lines = doctor.render(found, 80).splitlines()
    assert max(len(line) for line in lines if "sha256" not in line and str(checkpoint) not in line) <= 80


def test_checkpoint_and_data_are_checked_in_one_go(
    checkpoint: Path, mini_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["check", "--checkpoint", str(checkpoint), "--data", "kitti", "--data-root", str(mini_data)]
    assert main(both) == 0
    text = capsys.readouterr().out
    assert text.index("verdict: good") < text.index("rendered by DenseBench")
    assert main([*both, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["checkpoint"]["verdict"], found["data"]["usable"]) == ("good", True)


@pytest.mark.parametrize(("broken", "code"), [("checkpoint", 2), ("data", 1), ("name", 2)])
def test_of_two_checks_the_worse_counts_and_both_are_made(
    checkpoint: Path, mini_data: Path, capsys: pytest.CaptureFixture[str], broken: str, code: int
) -> None:
    given = {"checkpoint": str(checkpoint), "data": "kitti", "data-root": str(mini_data)}
    given |= {"checkpoint": {"checkpoint": "no.pth"}, "data": {"data-root": "nowhere"}, "name": {"data": "kiti"}}[
        broken
    ]
    assert main(["check", "--json", *(word for name, value in given.items() for word in (f"--{name}", value))]) == code
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert (found["checkpoint"].get("verdict") == "good") is (broken != "checkpoint")
    assert (found["data"].get("usable") is True) is (broken == "checkpoint")
    assert output.err.count("error: ") == (code == 2)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ([], "nothing to check: give --checkpoint CKPT, --data NAME, or both"),
        (["--data", "kitti", "backbone.num_heads=6"], "backbone.num_heads=6 is about a checkpoint"),
    ],
)
def test_a_check_of_nothing_is_refused(words: list[str], match: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *words]) == 2
    assert match in capsys.readouterr().err


def test_reading_checkpoints_needs_neither_torchvision_nor_timm_nor_transformers(checkpoint: Path) -> None:
    import subprocess

    code = (
        "import sys\nfrom benchmark.backbones import load_backbone\n"
        f"load_backbone({str(checkpoint)!r})\n"
        "print([name for name in ('torchvision', 'timm', 'transformers', 'mmcv', 'mmseg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert load_backbone(checkpoint).source.layout == "dinov2"


_HEALTHY: dict[str, Any] = {
    "norm_statistics": look.NormStatistics(1.0, None, 1.0, 2.0, 0.004),
    "precision_drift": look.Drift(0.991, 0.991, 0.9),
    "contrast": (0.002, 0.002),
    "patches_in_order": (8, 8),
    "batch_dependence": 0.0009,
    "is_deterministic": True,
}


@pytest.mark.parametrize(
    ("found", "problem", "warning"),
    [
        ({}, None, None),
        ({"is_deterministic": False}, "different features twice", None),
        ({"patches_in_order": (7, 8)}, "only 7 of 8 patches move their own token", None),
        ({"contrast": (0.0009, 0.5)}, "hardly depend on the image", None),
        ({"contrast": (0.5, 0.0009)}, "hardly depend on the image", None),
        ({"batch_dependence": 0.0011}, "depend on the images beside it", None),
        ({"precision_drift": look.Drift(0.989, 1.0, 1.0)}, None, "bfloat16 and float16 change the features"),
        ({"precision_drift": look.Drift(1.0, 0.989, 0.9)}, None, "bfloat16 and float16 change the features"),
        (
            {"precision_drift": look.Drift(math.nan, math.nan, math.nan)},
            None,
            "features overflow in bfloat16 and float16; keep features.precision=float32",
        ),
        ({"norm_statistics": look.NormStatistics(1.0, None, 1.0, 9.0, 0.006)}, None, "0.6% of the patches"),
    ],
)
def test_what_is_measured_becomes_a_problem_or_a_warning(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], problem: str | None, warning: str | None
) -> None:
    for name, value in (_HEALTHY | found).items():
        monkeypatch.setattr(look, name, lambda *_given, value=value: value)
    warnings: list[str] = []
    problems: list[str] = []
    doctor._features(load_backbone("pixels"), torch.zeros(4, 3, 28, 42), warnings, problems)
    assert [problem in said for said in problems] == ([True] if problem else [])
    assert [warning in said for said in warnings] == ([True] if warning else [])
