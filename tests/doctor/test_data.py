"""The data doctor as a user meets it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.cli import main
from benchmark.data.registry import DATASETS
from benchmark.doctor.data import DataReport, examine


@pytest.fixture
def own_data(mini_data: Path, tmp_path: Path) -> Path:
    """A copy of the rendered data that a test may damage."""
    return Path(shutil.copytree(mini_data, tmp_path / "data"))


@pytest.fixture
def make_nyu(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a small NYU in the layout of BTS."""

    def make(scale: float = 1000.0, without: int = 0) -> Path:
        root = tmp_path / "nyu/nyu_depth_v2"
        for split, base, count in (("train", "sync", 3), ("test", "official_splits/test", 2)):
            folder = root / base / "kitchen"
            folder.mkdir(parents=True, exist_ok=True)
            lines = []
            for number in range(count):
                depth = np.full((24, 32), 2.5 * scale, np.uint16)
                depth[:6] = 0
                if split == "test" and number < without:
                    depth[:] = 0
                Image.fromarray(depth).save(folder / f"d{number}.png")
                picture = np.full((24, 32, 3), 10 * number + len(split), np.uint8)
                Image.fromarray(picture).save(folder / f"rgb{number}.jpg")
                lines.append(f"/kitchen/rgb{number}.jpg /kitchen/d{number}.png 518.8579\n")
            (root / f"nyu_{split}.txt").write_text("".join(lines))
        return tmp_path

    return make


def _examine(name: str, data_root: Path) -> DataReport:
    return examine(DATASETS[name], data_root)


def test_rendered_data_is_fine_and_told_for_what_it_is(mini_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", "voc2012", "--data-root", str(mini_data)]) == 0
    text = capsys.readouterr().out
    assert "rendered by DenseBench, 6 train and 3 val images" in text
    assert "usable, not comparable (18 files read in" in text
    assert "background" in text
    assert all(len(line) <= 160 for line in text.splitlines())


@pytest.mark.parametrize("name", ["ade20k", "voc2012", "cityscapes", "nyu", "kitti"])
def test_the_fingerprint_is_the_one_in_the_record(mini_data: Path, name: str) -> None:
    from benchmark.data.dataset import DepthDataset
    from benchmark.data.depth import DepthSplit
    from benchmark.data.registry import DATASETS
    from benchmark.data.segmentation import SegmentationSplit
    from benchmark.data.split import data_fingerprint

    kind = DepthSplit if isinstance(DATASETS[name], DepthDataset) else SegmentationSplit
    splits = [kind(DATASETS[name], mini_data, split) for split in ("train", "val")]
    report = _examine(name, mini_data)
    assert report.fingerprint == data_fingerprint(splits)
    assert report.problems == ()
    assert report.variant.startswith("rendered by DenseBench")


def test_json_holds_everything(mini_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", "ade20k", "--data-root", str(mini_data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["usable"] is True
    assert [split["images"] for split in found["splits"]] == [6, 3]
    assert len(found["splits"][0]["classes"]) == 150
    masks = sorted((DATASETS["ade20k"].root(mini_data) / "annotations/training").iterdir())
    raw = np.concatenate([np.asarray(Image.open(path)).ravel() for path in masks])
    assert [one["pixels"] for one in found["splits"][0]["classes"]] == np.bincount(raw, minlength=151)[1:].tolist()
    assert found["splits"][0]["ignored_share"] == pytest.approx((raw == 0).mean())


def test_every_damaged_file_is_named_and_the_exit_code_is_1(own_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = DATASETS["ade20k"].root(own_data)
    images, masks = root / "images/training", root / "annotations/training"
    (images / "ADE_train_00000001.jpg").write_bytes((images / "ADE_train_00000001.jpg").read_bytes()[:900])
    (masks / "ADE_train_00000002.png").write_text("no picture")
    (masks / "ADE_train_00000003.png").unlink()
    assert main(["check", "--data", "ade20k", "--data-root", str(own_data)]) == 1
    text = capsys.readouterr().out
    assert "Problems (3)" in text
    assert "images/training/ADE_train_00000001.jpg cannot be decoded: image file is truncated" in text
    assert "annotations/training/ADE_train_00000002.png cannot be decoded: no known image format" in text
    assert "annotations/training/ADE_train_00000003.png cannot be read: No such file or directory" in text
    assert "to be mended" in text
    assert _examine("ade20k", own_data).fingerprint is None
    assert [split.readable for split in _examine("ade20k", own_data).splits] == [3, 3]


def test_an_image_that_is_in_train_and_val_is_a_problem(own_data: Path) -> None:
    lists = DATASETS["voc2012"].root(own_data) / "ImageSets/Segmentation"
    (lists / "val.txt").write_text((lists / "val.txt").read_text() + (lists / "train.txt").read_text())
    [problem] = _examine("voc2012", own_data).problems
    assert problem.startswith("6 images are in both 'train' and 'val'")


def test_a_copy_under_another_name_is_remarked(own_data: Path) -> None:
    images = DATASETS["ade20k"].root(own_data) / "images"
    shutil.copy(images / "training/ADE_train_00000001.jpg", images / "validation/ADE_val_00000002.jpg")
    remarks = _examine("ade20k", own_data).splits[1].remarks
    assert [(remark.kind, remark.examples) for remark in remarks] == [
        ("identical to a training image", ("images/validation/ADE_val_00000002.jpg",))
    ]


def test_a_copy_within_a_split_is_remarked(own_data: Path) -> None:
    images = DATASETS["ade20k"].root(own_data) / "images/training"
    shutil.copy(images / "ADE_train_00000001.jpg", images / "ADE_train_00000005.jpg")
    [remark] = _examine("ade20k", own_data).splits[0].remarks
    assert (remark.kind, remark.count) == ("identical to another image of the split", 1)


def test_a_dataset_that_is_not_there_is_told_with_a_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", "kitti", "--data-root", str(tmp_path)]) == 1
    assert "'densebench data kitti' shows what belongs there" in capsys.readouterr().out


def test_a_missing_list_is_told(own_data: Path) -> None:
    root = DATASETS["voc2012"].root(own_data)
    (root / "ImageSets/Segmentation/val.txt").unlink()
    assert "lacks the folders or the list of 'val'" in _examine("voc2012", own_data).problems[0]


def test_an_unknown_dataset_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", "voc", "--data-root", str(tmp_path)]) == 2
    assert "did you mean 'voc2012'" in capsys.readouterr().err


def test_depth_is_told_in_metres(make_nyu: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = make_nyu(without=1)
    assert main(["check", "--data", "nyu", "--data-root", str(root)]) == 0
    text = capsys.readouterr().out
    assert "train: depth 2.50 to 2.50 m, median 2.50 m; 75.0% of the pixels have a measurement" in text
    assert "val: 1 without any depth, for example official_splits/test/kitchen/rgb0.jpg" in text
    assert _examine("nyu", root).splits[1].depth.without == 1


def test_depth_in_another_unit_is_a_problem(make_nyu: Callable[..., Path]) -> None:
    problems = _examine("nyu", make_nyu(scale=5000.0)).problems
    assert problems[0].startswith("train: the median depth is 12.5 m, expected 0.3 to 10 m")


@pytest.mark.parametrize(
    ("name", "maps", "told"),
    [
        ("ade20k", "annotations/validation/*.png", "val: no pixel of its 3 label maps holds a class, all are ignored"),
        ("cityscapes", "gtFine/train/*/*TrainIds.png", "train: no pixel of its 6 label maps holds a class"),
        ("nyu", "**/sync_depth_*.png", "train: no pixel of its 6 depth maps holds a measurement"),
        ("sunrgbd", "SUNRGBD/**/depth/*.png", "val: no pixel of its 3 depth maps holds a measurement"),
    ],
)
def test_a_split_whose_maps_hold_nothing_is_a_problem(own_data: Path, name: str, maps: str, told: str) -> None:
    for path in DATASETS[name].root(own_data).glob(maps):
        with Image.open(path) as file:
            values = np.asarray(file)
        Image.fromarray(np.full_like(values, 255 if name == "cityscapes" else 0)).save(path)
    assert any(problem.startswith(told) for problem in _examine(name, own_data).problems)


def test_classes_that_differ_between_train_and_val_are_a_problem(tmp_path: Path) -> None:
    for place in ("train/n01/a", "train/n01/b", "train/n02/a", "val/n01/c", "val/n03/a"):
        path = tmp_path / "imagenet" / f"{place}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (len(place), ord(place[-1]), ord(place[-3]))).save(path)
    report = _examine("imagenet", tmp_path)
    assert report.problems == ("1 classes of train are not in val: n02", "1 classes of val are not in train: n03")
    assert report.splits[0].folders == {"n01": 2, "n02": 1}


def test_checking_makes_the_next_fingerprint_quick(own_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from benchmark.data import manifest
    from benchmark.data.segmentation import SegmentationSplit
    from benchmark.data.split import data_fingerprint

    for path in own_data.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    _examine("voc2012", own_data)
    monkeypatch.setattr(manifest, "_sha256_of_data", lambda path: pytest.fail(f"{path} was read again"))
    data_fingerprint([SegmentationSplit(DATASETS["voc2012"], own_data, "train")])


@pytest.mark.real_data
def test_the_sample_of_voc2012_is_named_for_what_it_is(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", "voc2012", "--data-root", str(real_data)]) == 0
    text = capsys.readouterr().out
    assert "a subset: 200 of 1,464 train and 200 of 1,449 val images: scores on it are not comparable" in text
    assert "absent: aeroplane, bicycle, motorbike, train" in text


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "counts"), [("ade20k", [4, 3]), ("nyu", [4, 2]), ("kitti", [2, 1]), ("imagenet", [1000, 500])]
)
def test_the_other_samples_are_sound_subsets(real_data: Path, name: str, counts: list[int]) -> None:
    report = _examine(name, real_data)
    assert report.problems == ()
    assert [split.images for split in report.splits] == counts
    assert report.variant.startswith("a subset")
