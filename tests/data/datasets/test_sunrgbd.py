"""SUN RGB-D: its list, its rotated bits, and that it is for scoring only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.backbones import Preprocessing
from benchmark.data.depth import DepthSplit
from benchmark.data.registry import DATASETS
from benchmark.errors import DataError
from benchmark.load_protocol import load_protocol
from benchmark.samples.depth import test_sample

SUN = DATASETS["sunrgbd"]
test_sample.__test__ = False  # its name says what it is for, not what pytest takes it for


def _write(root: Path, values: np.ndarray) -> None:
    """One image in the official layout."""
    folder = SUN.root(root) / "SUNRGBD/kv1/NYUdata/NYU0001"
    for name in ("image", "depth"):
        (folder / name).mkdir(parents=True)
    Image.new("RGB", values.shape[::-1]).save(folder / "image/NYU0001.jpg")
    Image.fromarray(values).save(folder / "depth/NYU0001.png")
    line = "SUNRGBD/kv1/NYUdata/NYU0001/image/NYU0001.jpg SUNRGBD/kv1/NYUdata/NYU0001/depth/NYU0001.png\n"
    (SUN.root(root) / "SUNRGBD_val_splits.txt").write_text(line)


def test_bits_are_rotated_back_and_depth_capped_at_8_metres() -> None:  # trap 18
    millimetres = np.array([0, 1, 999, 2500, 7999, 8000, 8001, 8191, 12_345, 65_535], np.uint32)
    stored = ((millimetres << 3 | millimetres >> 13) & 0xFFFF).astype(np.uint16)
    expected = np.minimum(millimetres / 1000, 8).astype(np.float32)
    np.testing.assert_array_equal(SUN.encoding.decode(stored[None])[0], expected)
    every = np.arange(65_536, dtype=np.uint16)
    plain = [min((int(v) >> 3 | int(v) << 13) % 65_536 / 1000, 8) for v in every]
    np.testing.assert_allclose(SUN.encoding.decode(every[None])[0], plain, rtol=1e-6)


def test_depth_is_not_eight_times_too_far(tmp_path: Path) -> None:  # trap 18
    _write(tmp_path, np.full((40, 50), 2000 << 3, np.uint16))
    sample = test_sample(
        DepthSplit(SUN, tmp_path, "val"), load_protocol("sunrgbd", "dinov2-lin1").settings.test, Preprocessing()
    )(0)
    torch.testing.assert_close(sample.depth, torch.full((40, 50), 2.0))


def test_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    _write(tmp_path, np.zeros((4, 5), np.uint16))
    assert SUN.missing(tmp_path) == []
    with pytest.raises(DataError, match=r"sunrgbd has no split 'train'; splits: val"):
        DepthSplit(SUN, tmp_path, "train")
    assert load_protocol("sunrgbd", "dinov2-lin1").settings.data.trained_on == "nyu"
