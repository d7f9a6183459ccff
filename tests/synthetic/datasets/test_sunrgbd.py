"""Rendered rooms as SUN RGB-D."""

from __future__ import annotations

from pathlib import Path

from benchmark.data.depth import DepthSplit
from benchmark.data.registry import DATASETS
from benchmark.synthetic.datasets import split_seeds
from benchmark.synthetic.rooms import render_room


def test_depth_is_that_of_the_rendering_through_the_reader(mini: Path) -> None:
    rendering = render_room(split_seeds("sunrgbd", "val", 2)[1])
    results = DepthSplit(DATASETS["sunrgbd"], mini, "val").load(1)
    assert abs(results["gt_depth_map"] - rendering.depth).max() < 0.0006
    assert abs(results["img"][..., ::-1].astype(float) - rendering.image).mean() < 6
