"""The datasets that ship: layouts, suffixes, classes, counts."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from benchmark import compat
from benchmark.data import datasets
from benchmark.data.dataset import DepthEncoding, SegmentationDataset
from benchmark.data.registry import DATASETS

compat.install()
import mmseg.datasets  # noqa: E402, F401
from mmseg.registry import DATASETS as MMSEG_DATASETS  # noqa: E402

MMSEG = {"ade20k": "ADE20KDataset", "voc2012": "PascalVOCDataset", "cityscapes": "CityscapesDataset"}


@pytest.mark.parametrize("name", [name for name in DATASETS if isinstance(DATASETS[name], SegmentationDataset)])
def test_suffixes_classes_and_the_label_shift_are_mmsegmentations(name: str, tmp_path: Path) -> None:
    dataset = DATASETS[name]
    (tmp_path / "list.txt").write_text("a\n")
    folders = {"img_path": str(tmp_path), "seg_map_path": str(tmp_path)}
    listed = MMSEG_DATASETS.build(
        {"type": MMSEG[name], "data_prefix": folders, "ann_file": str(tmp_path / "list.txt"), "pipeline": []}
    )
    assert len(listed.METAINFO["classes"]) == dataset.num_classes
    assert (listed.img_suffix, listed.seg_map_suffix) == (dataset.image_suffixes[0], dataset.label_suffix)
    assert listed.reduce_zero_label == (0 in dataset.labels.ignored)
    assert tuple(name.strip() for name in listed.METAINFO["classes"]) == dataset.classes


def test_what_is_missing_is_listed_once(tmp_path: Path) -> None:
    dataset = DATASETS["voc2012"]
    assert len(dataset.missing(tmp_path)) == 4  # two folders, two lists
    (dataset.root(tmp_path) / "JPEGImages").mkdir(parents=True)
    assert dataset.root(tmp_path) / "JPEGImages" not in dataset.missing(tmp_path)


def test_the_official_counts_are_those_of_the_papers() -> None:
    assert DATASETS["ade20k"].counts == {"train": 20_210, "val": 2_000}
    assert DATASETS["voc2012"].counts == {"train": 1_464, "trainaug": 10_582, "val": 1_449}
    assert DATASETS["cityscapes"].counts == {"train": 2_975, "val": 500}
    assert DATASETS["nyu"].counts == {"train": 24_231, "val": 654}
    assert DATASETS["kitti"].counts == {"train": 23_158, "val": 652}
    assert DATASETS["sunrgbd"].counts == {"val": 5_050}


@pytest.mark.parametrize("name", list(DATASETS))
def test_every_split_has_its_official_count(name: str) -> None:
    assert set(DATASETS[name].splits) == set(DATASETS[name].counts)


def test_the_lists_and_folders_of_depth_datasets_are_missed(tmp_path: Path) -> None:
    kitti = DATASETS["kitti"]
    root = kitti.root(tmp_path)
    names = ["kitti_eigen_train.txt", "input", "gt_depth", "kitti_eigen_test.txt"]
    assert kitti.missing(tmp_path) == [root / name for name in names]
    (root / "input").mkdir(parents=True)
    (root / "kitti_eigen_train.txt").touch()
    assert kitti.missing(tmp_path, ("train",)) == [root / "gt_depth"]


@pytest.mark.parametrize("name", ["nyu_train.txt", "nyudepthv2_train_files_with_gt.txt"])
def test_the_lists_of_nyu_are_known_by_both_names(tmp_path: Path, name: str) -> None:
    nyu = DATASETS["nyu"]
    nyu.root(tmp_path).mkdir(parents=True)
    assert nyu.missing(tmp_path, ("train",)) == [nyu.root(tmp_path) / "nyu_train.txt"]
    (nyu.root(tmp_path) / name).touch()
    assert nyu.missing(tmp_path, ("train",)) == []


def test_depth_maps_are_read_in_the_units_of_their_releases() -> None:
    assert DATASETS["nyu"].encoding == DepthEncoding(per_metre=1000)
    assert DATASETS["kitti"].encoding == DepthEncoding(per_metre=256)
    assert DATASETS["sunrgbd"].encoding == DepthEncoding(per_metre=1000, rotated_bits=3, cap=8.0)


def test_a_class_without_a_name_has_its_number() -> None:
    assert DATASETS["voc2012"].class_name(0) == "background"
    assert DATASETS["voc2012"].class_name(99) == "class 99"
    assert DATASETS["nyu"].class_name(3) == "class 3"


def test_every_module_of_the_folder_is_a_dataset() -> None:
    folder = Path(datasets.__file__).parent
    names = {path.stem if path.is_file() else path.name for path in folder.iterdir() if not path.name.startswith("__")}
    assert names == set(DATASETS)


@pytest.mark.parametrize("name", list(DATASETS))
def test_loader_processes_of_any_start_method_can_be_given_its_splits(name: str, mini_data: Path) -> None:
    split = DATASETS[name].open(mini_data, "val")
    assert pickle.loads(pickle.dumps(split)).files == split.files  # noqa: S301  (our own bytes)
