"""The mini ablation at a smaller size: three checkpoints, every benchmark, a table without gaps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark import ablation_mini, protocols
from benchmark.cli import main


def test_the_table_has_three_rows_without_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = protocols.load_protocol

    def quick(benchmark: str, name: str, _given: object) -> protocols.Protocol:
        trained = benchmark not in ("imagenet-knn", "imagenet-logreg")
        return whole(benchmark, name, ["train.iterations=3", "train.batch_size=2"] if trained else [])

    monkeypatch.setattr("benchmark.probing.run.load_protocol", quick)
    monkeypatch.setattr(ablation_mini, "IMAGES", 8)
    write, train = ablation_mini.write_mini, ablation_mini.pretrain
    monkeypatch.setattr(ablation_mini, "write_mini", lambda root, **_counts: write(root, train=8, val=4))
    short = ("train.steps=2", "train.batch_size=2")
    monkeypatch.setattr(ablation_mini, "pretrain", lambda out, options: train(out, replace(options, overrides=short)))
    words = ["ablation-mini", "--data-root", str(tmp_path / "mini"), "--results", str(tmp_path / "results")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "Which layers are split: a tiny ViT on rendered data" in out
    assert ablation_mini.CAVEAT in out
    assert "no record" not in out
    table = pd.read_csv(tmp_path / "results" / "ablations" / "mini.csv")
    assert len(table) > 0
