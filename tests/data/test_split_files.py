"""Which files belong to which split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.benchmarks import find_dataset
from benchmark.data.registry import DATASETS
from benchmark.errors import UsageError


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize("name", ["ade20k", "voc2012"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_the_files_and_their_order_are_those_of_the_reader(mini_data: Path, name: str, split: str) -> None:
    from benchmark.data.segmentation import SegmentationSplit

    dataset = DATASETS[name]
    [listed] = [found for found in dataset.read_splits(dataset.root(mini_data)) if found.name == split]
    ours = [path for pair in listed.pairs for path in (pair.image, pair.label)]
    assert ours == SegmentationSplit(DATASETS[name], mini_data, split).files


@pytest.mark.parametrize("name", ["nyu", "kitti"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_the_files_of_depth_and_their_order_are_those_of_the_reader(mini_data: Path, name: str, split: str) -> None:
    from benchmark.data.depth import DepthSplit

    dataset = DATASETS[name]
    [listed] = [found for found in dataset.read_splits(dataset.root(mini_data)) if found.name == split]
    ours = [path for pair in listed.pairs for path in (pair.image, pair.label)]
    assert ours == DepthSplit(DATASETS[name], mini_data, split).files


def test_the_files_of_cityscapes_are_those_of_the_reader(tmp_path: Path) -> None:
    from benchmark.data.segmentation import SegmentationSplit

    root = tmp_path / "cityscapes"
    for city, frame in (("ulm", 2), ("aachen", 1), ("ulm", 1)):
        stem = f"{city}/{city}_{frame:06d}_000019"
        _touch(root / f"leftImg8bit/train/{stem}_leftImg8bit.png", root / f"gtFine/train/{stem}_gtFine_labelIds.png")
        _touch(root / f"gtFine/train/{stem}_gtFine_labelTrainIds.png")
    [listed] = DATASETS["cityscapes"].read_splits(root)
    ours = [path for pair in listed.pairs for path in (pair.image, pair.label)]
    assert ours == SegmentationSplit(DATASETS["cityscapes"], tmp_path, "train").files
    assert len(ours) == 6


def test_a_train_list_whose_lines_begin_with_a_slash_stays_inside_the_root(tmp_path: Path) -> None:
    (tmp_path / "nyu_train.txt").write_text("/kitchen_0028b/rgb_1.jpg /kitchen_0028b/d_1.png 518.8579\n\n")
    _touch(tmp_path / "sync/kitchen_0028b/rgb_1.jpg")
    [train] = DATASETS["nyu"].read_splits(tmp_path)
    assert train.pairs[0].image == tmp_path / "sync/kitchen_0028b/rgb_1.jpg"


@pytest.mark.parametrize("line", ["../a.jpg ../a.png", "/../a.jpg a.png", "a.jpg b/../../../a.png"])
def test_a_list_that_leads_upwards_is_a_problem_and_no_pair(tmp_path: Path, line: str) -> None:
    (tmp_path / "nyu_test.txt").write_text(f"{line}\n")
    [test] = DATASETS["nyu"].read_splits(tmp_path)
    assert test.pairs == ()
    assert "nyu_test.txt, line 1" in test.problems[-1]
    assert test.problems[-1].endswith(f" is outside {tmp_path}")


def test_a_line_without_two_names_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "nyu_test.txt").write_text("a.jpg\n")
    [test] = DATASETS["nyu"].read_splits(tmp_path)
    assert """line 1: expected "image depth" or "image depth focal", got 'a.jpg'""" in test.problems[0]


@pytest.mark.parametrize("base", ["sync/", ""])
@pytest.mark.parametrize("name", ["nyu_train.txt", "nyudepthv2_train_files_with_gt.txt"])
def test_nyu_is_found_in_both_layouts_under_both_names(tmp_path: Path, base: str, name: str) -> None:
    (tmp_path / name).write_text("/bath_1/rgb.jpg /bath_1/d.png 518.8579\n")
    _touch(tmp_path / base / "bath_1/rgb.jpg")
    [train] = DATASETS["nyu"].read_splits(tmp_path)
    assert train.pairs[0].label == tmp_path / base / "bath_1/d.png"


def test_kitti_lines_without_depth_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "kitti_eigen_test.txt").write_text("a/1.png b/1.png 721.5\na/2.png None 721.5\n")
    [test] = DATASETS["kitti"].read_splits(tmp_path)
    assert [pair.label for pair in test.pairs] == [tmp_path / "gt_depth/b/1.png"]
    assert test.notes == ("lines of kitti_eigen_test.txt without depth map (None), left out: 1",)


def test_sunrgbd_depth_is_rotated_by_three_bits_and_capped() -> None:  # trap 18
    encoding = DATASETS["sunrgbd"].encoding
    millimetres = np.array([1, 2500, 7999, 8191], np.uint16)
    stored = np.array([(v << 3 | v >> 13) & 0xFFFF for v in millimetres.tolist()], np.uint16)
    np.testing.assert_allclose(encoding.decode(stored), [0.001, 2.5, 7.999, 8.0], rtol=1e-6)


def test_label_maps_without_an_image_are_problems(tmp_path: Path) -> None:
    root = tmp_path / "ade20k"
    _touch(root / "images/training/a.jpg", root / "annotations/training/a.png", root / "annotations/training/b.png")
    [train] = DATASETS["ade20k"].read_splits(root)
    assert len(train.pairs) == 1
    assert train.problems == (
        f"{root}/annotations/training/b.png has no image; fetch the image, or remove the label map",
    )


def test_imagenet_images_outside_class_folders_are_a_problem(tmp_path: Path) -> None:
    _touch(tmp_path / "val/ILSVRC2012_val_00000001.JPEG", tmp_path / "train/n01440764/a.JPEG")
    (tmp_path / "train/n01443537").mkdir()
    train, val = DATASETS["imagenet"].read_splits(tmp_path)
    assert len(train.pairs) == 1
    assert "n01443537 holds no image" in train.problems[0]
    assert val.pairs == ()
    assert "holds 1 images outside class folders" in val.problems[0]


def test_an_unknown_dataset_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"unknown dataset 'ade20'.*did you mean 'ade20k'.*known: ade20k"):
        find_dataset("ade20")
