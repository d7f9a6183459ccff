"""The splits a cell works on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from benchmark.data.classification import ClassificationSplit
from benchmark.errors import DataError
from benchmark.load_protocol import load_protocol
from benchmark.probing.splits import open_splits


def _write(root: Path, *places: str) -> None:
    for place in places:
        path = root / "imagenet" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)


@pytest.mark.parametrize("benchmark", ["imagenet-knn", "imagenet-linear", "imagenet-logreg"])
def test_classification_splits_are_opened_and_limited_by_class(tmp_path: Path, benchmark: str) -> None:
    _write(tmp_path, *(f"{split}/{name}/{n}" for split in ("train", "val") for name in "abc" for n in (1, 2)))
    protocol = load_protocol(benchmark, "mini")
    data = open_splits(protocol, tmp_path, None)
    assert isinstance(data.train, ClassificationSplit)
    assert (len(data.train), len(data.val)) == (6, 6)
    limited = open_splits(protocol, tmp_path, 3)
    assert limited.train.labels.tolist() == limited.val.labels.tolist() == [0, 1, 2]
    assert limited.fingerprint != data.fingerprint


def test_other_classes_in_val_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, "train/a/1", "train/b/1", "val/a/1", "val/c/1")
    with pytest.raises(DataError, match=r"imagenet: 1 classes of train are not in val: b; .* not in train: c"):
        open_splits(load_protocol("imagenet-knn", "mini"), tmp_path, None)


def test_scoring_on_the_training_images_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "train/a/1", "train/b/1")
    with pytest.raises(DataError, match="2 images are in both"):
        open_splits(load_protocol("imagenet-knn", "mini", ["data.val=train"]), tmp_path, None)
