"""The tables of ``docs/ablation.md`` are those of ``docs/ablation.csv`` and ``docs/ablation-cosines.csv``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

_DOCS = Path(__file__).parents[3] / "docs"
_BENCHMARKS = ("imagenet-knn", "imagenet-linear", "imagenet-logreg", "voc2012")  # in the order of the columns
_ROWS = {"baseline": "none", "norms": "norms", "norms+qkv": "norms+qkv"}
_SEEDS = 3

_CELL = re.compile(r"(\d+\.\d+)(?: ([+-]\d+\.\d+) \[([+-]\d+\.\d+), ([+-]\d+\.\d+)\])?")


@pytest.fixture(scope="module")
def scores() -> dict[str, np.ndarray]:
    """Scores (benchmark, seed) by variant."""
    runs = pd.read_csv(_DOCS / "ablation.csv").set_index(["name", "benchmark"])["value"]
    assert runs.index.is_unique
    return {
        name: np.array([[runs[f"{variant}, seed {seed}", each] for seed in range(_SEEDS)] for each in _BENCHMARKS])
        for name, variant in _ROWS.items()
    }


@pytest.fixture(scope="module")
def document() -> str:
    return (_DOCS / "ablation.md").read_text("utf-8")


def _table(document: str, title: str) -> dict[str, list[tuple[float, ...]]]:
    """Reads value, difference and its bounds of each cell, by row."""
    section = document.partition(f"### {title}\n")[2].partition("\n#")[0]
    rows = {}
    for line in section.splitlines():
        cells = [re.sub(r"</?\w+>|\*", "", cell).strip() for cell in line.strip("|").split("|")]
        if cells[0] in _ROWS:
            rows[cells[0]] = [tuple(map(float, filter(None, _CELL.fullmatch(cell).groups()))) for cell in cells[3:]]
    return rows


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_each_seed_has_its_scores_and_differences(document: str, scores: dict[str, np.ndarray], seed: int) -> None:
    table = _table(document, f"seed {seed}")
    for name in _ROWS:
        own = scores[name][:, seed]
        assert [cell[0] for cell in table[name]] == pytest.approx(own, abs=0.0051)
        if name != "baseline":
            difference = own - scores["baseline"][:, seed]
            assert [cell[1] for cell in table[name]] == pytest.approx(difference, abs=0.0051)


def test_means_over_seeds_have_intervals_over_seeds(document: str, scores: dict[str, np.ndarray]) -> None:
    table = _table(document, "three seeds")
    for name in _ROWS:
        assert [cell[0] for cell in table[name]] == pytest.approx(scores[name].mean(1), abs=0.0051)
        if name != "baseline":
            difference = scores[name] - scores["baseline"]
            middle = difference.mean(1)
            low, high = stats.t.interval(0.95, _SEEDS - 1, loc=middle, scale=stats.sem(difference, axis=1))
            expected = np.stack((middle, low, high), 1)
            assert np.array([cell[1:] for cell in table[name]]) == pytest.approx(expected, abs=0.0051)


def test_all_runs_had_one_protocol_and_one_data_set_for_each_benchmark() -> None:
    runs = pd.read_csv(_DOCS / "ablation.csv")
    assert len(runs) == len(_BENCHMARKS) * (len(_ROWS) * _SEEDS + 1)
    assert (runs.groupby("benchmark")[["fingerprint", "data_fingerprint"]].nunique() == 1).all(axis=None)
    trained = runs[runs["name"] != "raw pixels"]
    assert trained.groupby("name")["checkpoint_sha256"].nunique().eq(1).all()
    assert trained["checkpoint_sha256"].nunique() == len(_ROWS) * _SEEDS


def test_the_p_values_of_the_text_are_those_of_the_scores(document: str, scores: dict[str, np.ndarray]) -> None:
    differences = np.concatenate([scores[name] - scores["baseline"] for name in ("norms", "norms+qkv")])
    p = stats.ttest_1samp(differences, 0, axis=1).pvalue
    voc, linear = p[7], p[5]
    assert sorted(p)[:2] == [linear, voc]
    corrected = (len(p) * linear, (len(p) - 1) * voc)  # Holm
    text = " ".join(document.split())
    assert f"VOC (p = {voc:.2f}) does not survive a correction for eight looks (Holm: {corrected[1]:.2f})" in text
    assert f"Linear with `norms+qkv` does ({corrected[0]:.2f})" in text


@pytest.mark.parametrize(
    ("title", "statistic"), [("[CLS] with patches:", "cls_patch"), ("Patches with each other:", "patch_patch")]
)
def test_cosines_are_those_of_the_analyses(document: str, title: str, statistic: str) -> None:
    means = pd.read_csv(_DOCS / "ablation-cosines.csv").set_index(["checkpoint", "place", "statistic"])["mean"]
    lines = [line.strip("|").split("|") for line in document.partition(f"\n{title}\n")[2].splitlines() if " / " in line]
    rows = {cells[0].strip(): cells[1:] for cells in lines[: len(_ROWS)]}
    assert list(rows) == list(_ROWS.values())
    for variant, cells in rows.items():
        for place, cell in zip(("norm1", "ls1", "norm2", "ls2"), cells, strict=True):
            expected = [means[f"{variant}-{seed}", place, statistic] for seed in range(_SEEDS)]
            assert [float(number) for number in cell.split("/")] == pytest.approx(expected, abs=0.0051)
