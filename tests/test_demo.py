"""The demo, the whole of it at a smaller size: a baseline, three trained variants, tables and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark import ablation_mini, load_protocol
from benchmark.benchmarks import BENCHMARKS, Benchmark
from benchmark.cli import main
from benchmark.synthetic.datasets import write_dataset


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few images and updates of everything."""
    whole = load_protocol.load_protocol

    def quick(benchmark: Benchmark, name: str, _given: object) -> load_protocol.Protocol:
        trained = benchmark.name not in ("imagenet-knn", "imagenet-logreg")
        found = whole(benchmark, name, ["train.iterations=3", "train.batch_size=2"] if trained else [])
        return replace(found, overrides=())  # so that the rows have the demo's label

    monkeypatch.setattr("benchmark.probing.run.load_protocol", quick)
    monkeypatch.setattr(ablation_mini, "TRAIN", 8)
    monkeypatch.setattr(ablation_mini, "VAL", 4)
    monkeypatch.setattr(ablation_mini, "IMAGES", 8)
    monkeypatch.setattr(ablation_mini, "VARIANTS", ("none", "norms"))
    train, short = ablation_mini.pretrain, ("train.steps=2", "train.batch_size=4")
    monkeypatch.setattr(ablation_mini, "pretrain", lambda out, options: train(out, replace(options, overrides=short)))


@pytest.mark.usefixtures("small")
def test_the_demo_fills_nine_columns_for_a_floor_and_the_variants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    words = ["demo", "--data-root", str(tmp_path / "mini"), "--results", str(results)]
    assert main(words) == 0
    table = pd.read_csv(results / "leaderboard.csv")
    assert set(table["name"]) == {"raw pixels (baseline)", "tiny, none", "tiny, norms"}
    assert table[[benchmark.column for benchmark in BENCHMARKS.values()]].notna().all().all()
    rows = pd.read_csv(results / "ablations" / "mini.csv")
    assert rows.iloc[:, 0].notna().all()
    assert (results / "report.html").stat().st_size > 10_000
    text = capsys.readouterr().out
    assert ablation_mini.CAVEAT in text
    closing = text.rpartition("Where everything is")[2]
    for name in ("report.html", "leaderboard.csv", "ablations/mini.md", "runs"):
        assert str(results / name) in closing
        assert (results / name).exists()
    assert main(["ablation-mini", *words[1:]]) == 0  # nothing is trained or run again
    text = capsys.readouterr().out
    assert "done already" in text
    assert text.count("It is trained already") == 2


def test_the_caveat_tells_the_number_of_images(tmp_path: Path) -> None:
    images = write_dataset("imagenet", tmp_path, train=8, val=8, size=(32, 40)) / "train"
    assert f"{len(list(images.glob('*/*'))) * ablation_mini.IMAGES // 8:,} rendered" in ablation_mini.CAVEAT
