"""KITTI: the KB crop and the real files."""

from __future__ import annotations

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

KITTI = DATASETS["kitti"]
test_sample.__test__ = False  # its name says what it is for, not what pytest takes it for


@pytest.mark.real_data
def test_real_files_are_read(real_data: Path) -> None:
    protocol = load_protocol("kitti", "dinov2-lin1").settings
    train, val = (DepthSplit(KITTI, real_data, split) for split in ("train", "val"))
    refuse_overlap(train, val)
    assert (len(train), len(val)) == (2, 1)  # a second test line has None for its depth
    for index in range(2):
        sample = train_sample(train, protocol.train, Preprocessing())(index)
        assert tuple(sample.image.shape) == (3, 352, 704)
        assert tuple(sample.depth.shape) == (352, 704)


@pytest.mark.real_data
def test_the_test_sees_the_bottom_352_rows_and_the_middle_1216_columns(real_data: Path) -> None:
    split = DepthSplit(KITTI, real_data, "val")
    sample = test_sample(split, load_protocol("kitti", "dinov2-lin1").settings.test, Preprocessing())(0)
    path = next((KITTI.root(real_data) / "gt_depth").rglob("0000000100.png"))
    with Image.open(path) as file:
        raw = np.asarray(file)
    assert raw.shape == (375, 1242)
    np.testing.assert_array_equal(sample.depth, raw[23:375, 13:1229].astype(np.float32) / 256)
    assert tuple(sample.image.shape) == (3, 352, 1216)
    assert 0.79 < (split.load(0)["gt_depth_map"] == 0).mean() < 0.82
