"""Rendered rooms as NYU Depth v2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.synthetic.datasets import split_seeds
from benchmark.synthetic.rooms import render_room


def test_depth_is_that_of_the_rendering_in_millimetres(mini: Path) -> None:
    rendering = render_room(split_seeds("nyu", "train", 20)[17])
    with Image.open(mini / "nyu/nyu_depth_v2/room_0002/sync_depth_00018.png") as file:
        assert (file.mode, file.size) == ("I;16", (160, 128))
        depth = np.asarray(file)
    assert abs(depth / 1000 - rendering.depth).max() < 0.0006
    image = np.asarray(Image.open(mini / "nyu/nyu_depth_v2/room_0002/rgb_00018.jpg"), np.float64)
    assert abs(image - rendering.image).mean() < 6
