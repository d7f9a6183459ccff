"""Whoever follows CONTRIBUTING.md has a benchmark that is listed, run, in the table and on the page."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipes import copy_code, densebench, follow

_FEW_STEPS = "--protocol {} train.iterations=2 train.batch_size=2 probes.lr=[1e-2]"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code."""
    return copy_code(tmp_path / "tree")


def _run(tree: Path, benchmark: str, data: Path, words: str = "", *others: str) -> tuple[dict[str, str], str]:
    """Runs a benchmark with raw pixels; returns its row of the leaderboard and what was printed, a list among it."""
    results = tree / "results"
    printed = densebench(
        tree,
        "list",
        *others,
        f"run {benchmark} --data-root {data} --results {results} --checkpoint pixels --name pixels {words}",
        f"report --results {results}",
    )
    with (results / "leaderboard.csv").open() as file:
        [row] = csv.DictReader(file)
    return row, printed


def _page(tree: Path) -> str:
    return (tree / "results" / "report.html").read_text()


def test_a_dataset_is_one_file(tree: Path, tmp_path: Path) -> None:
    assert len(follow("A dataset", tree)) == 1
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for kind in ("images", "labels"):
            (tmp_path / "data/potsdam" / kind / split).mkdir(parents=True)
        for number in range(count):
            labels = np.kron(generator.integers(0, 6, (3, 3)), np.ones((40, 40))).astype(np.uint8)
            image = np.stack([labels * 40, labels * 20, 255 - labels * 30], -1)
            for kind, pixels in (("images", image), ("labels", labels)):
                Image.fromarray(pixels).save(tmp_path / f"data/potsdam/{kind}/{split}/{number}.png")
    data = tmp_path / "data"
    check = f"check --data potsdam --data-root {data}"
    row, printed = _run(tree, "potsdam", data, _FEW_STEPS.format("mini"), check)
    assert "  potsdam " in printed
    assert "a subset: 4 of 3,456 train and 2 of 2,016 val images" in printed
    assert 0 < float(row["potsdam_miou"]) <= 100
    assert "clutter" in _page(tree)


def test_a_protocol_is_one_config(tree: Path, mini_data: Path) -> None:
    assert len(follow("A protocol", tree)) == 1
    row, printed = _run(tree, "voc2012", mini_data, _FEW_STEPS.format("mini-long"))
    assert printed.count(", mini-long") == 3
    assert row["protocol"].startswith("mini-long")
    assert float(row["voc2012_miou"]) > 0


def test_a_metric_has_a_column_and_is_explained(tree: Path, mini_data: Path) -> None:
    assert len(follow("A metric", tree)) == 5
    row, _ = _run(tree, "imagenet-knn5", mini_data)
    assert 0 < float(row["imagenet_knn5_top5"]) <= 100
    assert row["imagenet_knn5_top5_ci95"]
    assert "share of images whose class is among the first five" in _page(tree)


def test_a_kind_of_benchmark_touches_five_files(tree: Path, mini_data: Path) -> None:
    assert len(follow("A kind of benchmark", tree)) == 5
    row, printed = _run(tree, "imagenet-ncm", mini_data)
    assert "  imagenet-ncm " in printed
    assert 0 < float(row["imagenet_ncm_top1"]) <= 100
    assert "The class whose mean [CLS] is nearest." in _page(tree)
