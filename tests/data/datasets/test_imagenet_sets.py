"""ReaL, ImageNet-V2 and Sketch beside ImageNet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.classification import ClassificationSplit, LabelledImages
from benchmark.data.datasets.imagenet.test_sets import extra_sets, read_real
from benchmark.data.registry import DATASETS
from benchmark.data.split import data_fingerprint
from benchmark.errors import DataError

WNIDS = tuple(f"n{number:08d}" for number in range(1, 1001))
V2 = "imagenet-v2/imagenetv2-matched-frequency-format-val"


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _split(root: Path, name: str, images: list[str], classes: tuple[str, ...] = WNIDS) -> LabelledImages:
    labels = np.arange(len(images)) % len(classes)
    return LabelledImages(DATASETS["imagenet"], root / "imagenet", name, images=images, labels=labels, classes=classes)


@pytest.fixture
def make_splits(tmp_path: Path) -> Callable[..., tuple[LabelledImages, LabelledImages]]:
    """Returns a function that gives train and val of 1,000 classes; val holds images 1, 3, 50000 of ILSVRC's."""

    def make(classes: tuple[str, ...] = WNIDS) -> tuple[LabelledImages, LabelledImages]:
        (tmp_path / "imagenet").mkdir(exist_ok=True)
        images = [f"val/{classes[n]}/ILSVRC2012_val_{number:08d}.JPEG" for n, number in enumerate((1, 3, 50_000))]
        return _split(tmp_path, "train", [], classes), _split(tmp_path, "val", images, classes)

    return make


def _extra_sets(root: Path, train: LabelledImages, val: LabelledImages, limit: int | None = None) -> tuple:
    return extra_sets(root, lambda: (train, val), limit)


def _write_real(root: Path, **labels: list[int]) -> Path:
    """Labels by image number; all others have none."""
    lists = [labels.get(f"n{number}", []) for number in range(1, 50_001)]
    path = root / "imagenet/real.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(lists))
    return path


def test_nothing_is_found_where_nothing_is(tmp_path: Path, make_splits: Callable) -> None:
    assert _extra_sets(tmp_path, *make_splits()) == ([], [])


def test_real_goes_by_image_number_and_leaves_out_images_without_labels(tmp_path: Path, make_splits: Callable) -> None:
    path = _write_real(tmp_path, n1=[7, 999], n2=[5], n50000=[0])
    train, val = make_splits()
    [real], reasons = _extra_sets(tmp_path, train, val)
    assert (real.name, reasons) == ("real", [])
    assert real.targets == ((7, 999), (0,))
    assert real.split.names == [val.names[0], val.names[2]]
    assert real.of_val == (0, 2)
    assert real.split.labels.tolist() == [0, 2]
    assert real.split.files[-1] == path  # so that it counts in the fingerprint
    assert real.split.classes == WNIDS


def test_real_does_not_label_other_images_or_fewer_classes(tmp_path: Path, make_splits: Callable) -> None:
    _write_real(tmp_path, n1=[7])
    train, _ = make_splits()
    other = _split(tmp_path, "val", ["val/n00000001/n00000001_5.JPEG"])
    assert _extra_sets(tmp_path, train, other) == (
        [],
        [
            f"real is left out: {tmp_path}/imagenet/real.json labels ILSVRC2012_val_00000001 and so on, val holds "
            "val/n00000001/n00000001_5.JPEG"
        ],
    )
    sets, reasons = _extra_sets(tmp_path, *make_splits(WNIDS[:10]))
    assert sets == []
    assert "ranks among ImageNet's 1,000 classes, train holds 10" in reasons[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "holds no lists of labels"),
        ("[1, 2]", "holds no lists of labels"),
        ("[[1], [2]]", "found 2"),
        (json.dumps([[1000]] * 50_000), "labels 0 to 999"),
    ],
)
def test_a_damaged_real_file_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "real.json").write_text(text)
    with pytest.raises(DataError, match=said):
        read_real(tmp_path / "real.json")


def test_a_v2_folders_name_is_the_label_not_its_rank_among_strings(tmp_path: Path, make_splits: Callable) -> None:
    _touch(*(tmp_path / V2 / f"{label}/x.jpeg" for label in range(1000)))
    [v2], reasons = _extra_sets(tmp_path, *make_splits())
    assert (v2.name, reasons, len(v2.split)) == ("v2", [], 1000)
    assert [int(name.split("/")[1]) for name in v2.split.names] == v2.split.labels.tolist()
    assert v2.targets == tuple((label,) for label in v2.split.labels.tolist())
    assert v2.split.labels[2] == 10  # "0", "1", "10"
    assert v2.split.classes == WNIDS
    [few], _ = _extra_sets(tmp_path, *make_splits(), limit=5)
    assert len(few.split) == 5


def test_v2_is_left_out_of_fewer_classes_and_an_error_if_incomplete(tmp_path: Path, make_splits: Callable) -> None:
    _touch(*(tmp_path / V2 / f"{label}/x.jpeg" for label in range(999)))
    sets, reasons = _extra_sets(tmp_path, *make_splits(WNIDS[:10]))
    assert (sets, len(reasons)) == ([], 1)
    assert reasons[0].startswith("v2 is left out")
    with pytest.raises(DataError, match="must hold the folders 0 to 999; 1 are amiss, 999 for example"):
        _extra_sets(tmp_path, *make_splits())


def test_sketch_may_hold_some_of_the_classes_with_their_own_labels(tmp_path: Path, make_splits: Callable) -> None:
    root = tmp_path / "imagenet-sketch/sketch"
    _touch(root / f"{WNIDS[9]}/a.JPEG", root / f"{WNIDS[4]}/b.JPEG", root / f"{WNIDS[4]}/a.JPEG")
    [sketch], _ = _extra_sets(tmp_path, *make_splits(WNIDS[:10]))
    assert (sketch.name, sketch.split.labels.tolist()) == ("sketch", [4, 4, 9])
    assert data_fingerprint([sketch.split])
    sets, reasons = _extra_sets(tmp_path, *make_splits(WNIDS[:5]))
    assert (sets, reasons) == ([], ["sketch is left out: 1 of its classes are not in train, n00000010 for example"])


@pytest.mark.real_data
def test_the_sample_of_imagenet_is_not_scored_with_the_labels_of_a_thousand_classes(
    real_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "imagenet").mkdir()
    for name in ("train", "val"):
        (tmp_path / "imagenet" / name).symlink_to(real_data / "imagenet" / name)
    _write_real(tmp_path, n1=[7])
    train, val = (ClassificationSplit(DATASETS["imagenet"], tmp_path, name) for name in ("train", "val"))
    sets, [reason] = _extra_sets(tmp_path, train, val)
    assert sets == []
    assert reason.startswith("real is left out: the labels of")
