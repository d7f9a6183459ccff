"""Rendered rooms as KITTI."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.synthetic.datasets import split_seeds
from benchmark.synthetic.rooms import render_room


def test_depth_is_sparse_and_that_of_a_room_ten_times_as_large(mini: Path) -> None:
    rendering = render_room(split_seeds("kitti", "val", 2)[1], (120, 304))
    drive = "2011_09_26_drive_0101_sync"
    with Image.open(mini / f"kitti/gt_depth/{drive}/proj_depth/groundtruth/image_02/0000000001.png") as file:
        assert (file.mode, file.size) == ("I;16", (304, 120))
        depth = np.asarray(file) / 256
    assert 0.78 < (depth == 0).mean() < 0.82  # as in the real files
    assert not depth[:36].any()
    assert abs(depth - 10 * rendering.depth)[depth > 0].max() < 0.003
    image = np.asarray(Image.open(mini / f"kitti/input/2011_09_26/{drive}/image_02/data/0000000001.png"))
    assert np.array_equal(image, rendering.image)
