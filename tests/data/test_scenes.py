"""Where images were filmed, so that neighbours of one film are not parted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data.depth import DepthSplit
from benchmark.data.registry import DATASETS
from benchmark.data.segmentation import SegmentationSplit

_DRIVE = "2011_09_26_drive_0002_sync"


@pytest.mark.parametrize(
    ("dataset", "image", "scene"),
    [
        ("nyu", "kitchen_0028b/rgb_00045.jpg", "kitchen_0028"),
        ("nyu", "sync/kitchen_0028a/rgb_00045.jpg", "kitchen_0028"),
        ("nyu", "living_room_0011/rgb_00045.jpg", "living_room_0011"),
        ("nyu", "nyu_office_0/rgb_00045.jpg", "nyu_office_0"),
        ("kitti", f"input/2011_09_26/{_DRIVE}/image_02/data/0000000069.png", _DRIVE),
        ("cityscapes", "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png", "aachen"),
    ],
)
def test_a_path_tells_the_scene(dataset: str, image: str, scene: str) -> None:
    assert DATASETS[dataset].scene(image) == scene


@pytest.mark.parametrize("dataset", ["nyu", "kitti"])
def test_rendered_films_have_scenes(mini_data: Path, dataset: str) -> None:
    split = DepthSplit(DATASETS[dataset], mini_data, "train")
    assert len(split.scenes) == len(split)


def test_photographs_have_none(mini_data: Path) -> None:
    assert SegmentationSplit(DATASETS["ade20k"], mini_data, "train").scenes is None
    assert len(set(SegmentationSplit(DATASETS["cityscapes"], mini_data, "train").scenes)) == 3
