"""NYU Depth v2: both layouts that are about, and the real files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.backbones import Preprocessing
from benchmark.data.depth import DepthSplit
from benchmark.data.registry import DATASETS
from benchmark.data.split import refuse_overlap
from benchmark.load_protocol import load_protocol
from benchmark.samples.depth import test_sample, train_sample

NYU = DATASETS["nyu"]
test_sample.__test__ = False  # its name says what it is for, not what pytest takes it for


def test_scenes_may_lie_as_bts_keeps_them(mini_data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(NYU.root(mini_data), NYU.root(tmp_path)))
    for split, scene, folder in (("train", "room_0001", "sync"), ("test", "room", "official_splits/test")):
        (root / folder).mkdir(parents=True)
        (root / scene).rename(root / folder / scene)
        (root / f"nyu_{split}.txt").rename(root / f"nyudepthv2_{split}_files_with_gt.txt")
    train, val = (DepthSplit(NYU, tmp_path, split) for split in ("train", "val"))
    assert train.names[0] == "sync/room_0001/rgb_00001.jpg"
    assert val.names[0] == "official_splits/test/room/rgb_00001.jpg"
    assert val.files[1] == root / "official_splits/test/room/sync_depth_00001.png"


def test_a_list_under_the_short_name_comes_first(mini_data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(NYU.root(mini_data), NYU.root(tmp_path)))
    (root / "nyudepthv2_train_files_with_gt.txt").write_text("")
    assert len(DepthSplit(NYU, tmp_path, "train")) == 6


@pytest.mark.real_data
def test_real_files_are_read(real_data: Path) -> None:
    protocol = load_protocol("nyu", "dinov2-lin1").settings
    train, val = (DepthSplit(NYU, real_data, split) for split in ("train", "val"))
    refuse_overlap(train, val)
    assert (len(train), len(val)) == (4, 2)
    for index in range(4):
        sample = train_sample(train, protocol.train, Preprocessing())(index)
        assert tuple(sample.image.shape) == (3, 416, 544)
        assert tuple(sample.depth.shape) == (416, 544)
        assert sample.depth.min() == 0
        assert sample.depth.max() <= 10
    sample = test_sample(val, protocol.test, Preprocessing())(1)
    assert tuple(sample.image.shape) == (3, 480, 640)
    assert 2.5 < sample.depth[sample.depth > 0].median() < 3.6


@pytest.mark.real_data
def test_real_millimetres_become_metres(real_data: Path) -> None:
    split = DepthSplit(NYU, real_data, "val")
    with Image.open(NYU.root(real_data) / "official_splits/test/unidepth_demo/sync_depth_00000.png") as file:
        raw = np.asarray(file)
    np.testing.assert_array_equal(split.load(1)["gt_depth_map"], raw.astype(np.float32) / 1000)
    assert (raw == 10_000).mean() == pytest.approx(0.0087, abs=1e-4)  # kept: what is scored is the metric's business
