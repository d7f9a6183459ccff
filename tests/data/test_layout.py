"""Layouts of the datasets."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark import compat
from benchmark.data import DATASETS

compat.install()
import mmseg.datasets  # noqa: E402, F401
from mmseg.registry import DATASETS as MMSEG_DATASETS  # noqa: E402


@pytest.mark.parametrize("name", list(DATASETS))
def test_the_number_of_classes_is_mmsegmentations(name: str) -> None:
    layout = DATASETS[name]
    assert len(MMSEG_DATASETS.get(layout.mmseg_type).METAINFO["classes"]) == layout.num_classes


def test_what_is_missing_is_listed_once(tmp_path: Path) -> None:
    layout = DATASETS["voc2012"]
    assert len(layout.missing(tmp_path)) == 4  # two folders, two lists
    (layout.root(tmp_path) / "JPEGImages").mkdir(parents=True)
    assert layout.root(tmp_path) / "JPEGImages" not in layout.missing(tmp_path)


def test_the_official_counts_are_those_of_the_papers() -> None:
    assert DATASETS["ade20k"].counts == {"train": 20_210, "val": 2_000}
    assert DATASETS["voc2012"].counts == {"train": 1_464, "trainaug": 10_582, "val": 1_449}
    assert DATASETS["cityscapes"].counts == {"train": 2_975, "val": 500}
