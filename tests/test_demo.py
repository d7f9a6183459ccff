"""The demo: its checkpoint, and the whole of it at a smaller size."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmark import demo, protocols
from benchmark.backbones import load_backbone
from benchmark.benchmarks import BENCHMARKS
from benchmark.cli import main


def test_the_demo_checkpoint_is_the_same_every_time_and_loads(tmp_path: Path) -> None:
    first, second = (load_backbone(demo.write_demo_checkpoint(tmp_path / f"{n}" / "vit.pth")) for n in (1, 2))
    assert first.source.sha256 == second.source.sha256
    assert first.spec.arch == "ViT-192x4/14"
    other = load_backbone(demo.write_demo_checkpoint(tmp_path / "other.pth", seed=1))
    assert other.source.sha256 != first.source.sha256


def test_the_demo_fills_the_leaderboard_with_a_floor_beside_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = protocols.load_protocol

    def quick(benchmark: str, name: str, _given: object) -> protocols.Protocol:
        trained = benchmark not in ("imagenet-knn", "imagenet-logreg")
        return whole(benchmark, name, ["train.iterations=3", "train.batch_size=2"] if trained else [])

    monkeypatch.setattr("benchmark.probing.run.load_protocol", quick)
    write = demo.write_mini
    monkeypatch.setattr(demo, "write_mini", lambda root, **_counts: write(root, train=8, val=4))
    words = ["demo", "--data-root", str(tmp_path / "mini"), "--results", str(tmp_path / "results")]
    assert main(words) == 0
    table = pd.read_csv(tmp_path / "results" / "leaderboard.csv")
    assert table["name"].tolist() == ["random ViT", "raw pixels (floor)"]
    assert table[[benchmark.column for benchmark in BENCHMARKS.values()]].notna().all().all()  # all nine
