"""Every benchmark gives the numbers it gave before, on rendered data and a small random transformer.

``numbers.json`` is made by ``python tests/numbers/test_no_number_moves.py``. It may be made anew only by a change that
means to move a number, raises the version of the protocol and stands in CHANGELOG.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import build_vit, save_backbone
from benchmark.cli import main
from benchmark.synthetic.datasets import write_mini

_FILE = Path(__file__).parent / "numbers.json"
_IMAGES = {"train": 36, "val": 8}
_WORDS = ("--protocol", "mini", "--device", "cpu", "--seed", "1", "train.iterations=12", "train.batch_size=4")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the records of all benchmarks say now."""
    return measure(tmp_path_factory.mktemp("numbers"))


def measure(folder: Path) -> dict[str, dict[str, Any]]:
    """Runs every benchmark in ``folder`` and returns what their records say, by benchmark."""
    write_mini(folder / "data", **_IMAGES)
    vit = build_vit("Ti", specialization="norms+qkv", num_registers=2, image_size=112, layer_scale=1.0, seed=3)
    save_backbone(vit, folder / "vit.pth")
    words = ["run", "all", "--checkpoint", str(folder / "vit.pth"), "--data-root", str(folder / "data"), *_WORDS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DENSEBENCH_CACHE", str(folder / "cache"))
        torch.set_num_threads(1)
        assert main([*words, "--results", str(folder / "results")]) == 0
    records = [json.loads(path.read_text()) for path in (folder / "results" / "runs").glob("*.json")]
    found = {}
    for record in sorted(records, key=lambda record: record["benchmark"]):
        found[record["benchmark"]] = {
            "fingerprint": record["protocol"]["fingerprint"],
            "primary": record["primary"],
            "metrics": record["metrics"],
            "selection": record["selection"],
            "forwards": record["cost"]["backbone_forwards"],
            "patch_tokens": record["patch_tokens"],
            "model": {key: record["model"][key] for key in ("arch", "params", "gflops", "specialization", "spec")},
        }
    board = (folder / "results" / "leaderboard.csv").read_text().splitlines()[0]
    return {"leaderboard": {"columns": board.split(",")}, **found}


def _numbers(value: Any, name: str = "") -> dict[str, Any]:
    """Flattens nested values: {".metrics.variants.no_crop.rmse": 1.15, ...}."""
    if not isinstance(value, dict | list):
        return {name: value}
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return {full: each for key, below in inner for full, each in _numbers(below, f"{name}.{key}").items()}


@pytest.mark.parametrize("name", json.loads(_FILE.read_text()) if _FILE.exists() else [])
def test_it_is_what_it_was(measured: dict[str, dict[str, Any]], name: str) -> None:
    before, now = _numbers(json.loads(_FILE.read_text())[name]), _numbers(measured[name])
    assert list(now) == list(before)
    moved = {
        key: (value, now[key])
        for key, value in before.items()
        # Other processors add floats up in another order: a pixel or an image may fall on the other side.
        if (now[key] != pytest.approx(value, rel=1e-4, abs=1e-4) if isinstance(value, float) else now[key] != value)
    }
    assert moved == {}


def test_every_benchmark_is_in_the_file(measured: dict[str, dict[str, Any]]) -> None:
    assert list(json.loads(_FILE.read_text())) == list(measured)


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as place:
        _FILE.write_text(json.dumps(measure(Path(place)), indent=1) + "\n")
    sys.exit(0)
