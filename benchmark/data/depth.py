"""Depth samples: files through mmsegmentation's transforms and ours to normalised tensors and metres.

There are no two presets here: DINOv2's training (Monocular-Depth-Estimation-Toolbox, ``pipelines/transforms.py``) and
DINOv3's (``eval/depth/transforms.py``) do the same in the same order, up to the arithmetic of the rotation's bilinear
filter, which is OpenCV's on bytes in the first and PyTorch's on floats in the second. Here it is OpenCV's. Nothing is
resized, neither in training nor in the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark import compat
from benchmark.backbones.spec import Preprocessing
from benchmark.data.decoding import decode_depth, depth_map_problem, refuse_unfit
from benchmark.data.depth_list import read_depth_list
from benchmark.data.images import normalised, read_image, size_mismatch
from benchmark.data.layout import DepthEncoding
from benchmark.data.map_listing import MapListing
from benchmark.data.split import MapSplit
from benchmark.data.transforms import CutFixed, RandomGammaBrightnessColor
from benchmark.errors import DataError
from benchmark.protocols import DepthTest, DepthTrain, FixedCrop

compat.install()
from mmseg.datasets.transforms import RandomCrop, RandomFlip, RandomRotate  # noqa: E402  (the shims come first)


@dataclass(frozen=True)
class DepthSample:
    """One image with its depth, both of the same size."""

    image: Tensor
    """(3, H, W) float32 RGB, normalised."""

    depth: Tensor
    """(H, W) float32 metres; 0 where nothing was measured. A map without any measurement is legal."""


class DepthSplit(MapSplit):
    """The images and depth maps of one split, in the order of its list; see `MapSplit`.

    The list is read by `read_depth_list`; images whose depth is the word ``None`` are left out.

    Raises:
        DataError: What `MapSplit` raises, a malformed line, or a path that leaves the dataset.
    """

    map_key = "depth_map_path"
    map_name = "depth map"
    map_problem = staticmethod(depth_map_problem)

    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its depth map in metres (``gt_depth_map``) into a ``results`` dict.

        Raises:
            DataError: A file that cannot be decoded, a depth map without 16 bits or of another size than its image.
        """
        info = self._infos[index]
        image = read_image(info["img_path"])
        depth = self.load_map(index)
        if depth.shape != image.shape[:2]:
            raise size_mismatch("depth", info["depth_map_path"], depth.shape, info["img_path"], image.shape)
        return dict(info, img=image, gt_depth_map=depth, seg_fields=["gt_depth_map"])

    def load_map(self, index: int) -> NDArray[np.float32]:
        """Reads one depth map alone, (H, W) metres; 0 where nothing was measured.

        Raises:
            DataError: A file that cannot be decoded, or that has not 16 bits.
        """
        return read_depth(self._infos[index]["depth_map_path"], self.layout.encoding)

    def _list(self) -> MapListing:
        part = self.layout.splits[self.name]
        return read_depth_list(part.find(self.root), self.root, part.folders)


def read_depth(path: Path | str, encoding: DepthEncoding) -> NDArray[np.float32]:
    """Reads a 16-bit depth map as (H, W) float32 metres, 0 where nothing was measured.

    Raises:
        DataError: A file that cannot be decoded, or one that is no 16-bit grey PNG: 8 bits hold a picture of depths.
    """
    refuse_unfit(path, depth_map_problem)
    try:
        with Image.open(path) as file:
            values = np.asarray(file)
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be read: {error}") from error
    return decode_depth(values, encoding)


def train_sample(split: DepthSplit, settings: DepthTrain, preprocessing: Preprocessing) -> Callable[[int], DepthSample]:
    """Returns a function from an index to an augmented sample of ``settings.crop``.

    Randomness is drawn from numpy's global generator, as mmsegmentation's transforms do. The function raises DataError
    for an image that is smaller than a crop.
    """
    cut = _cut(settings.fixed_crop)
    augment = Compose(
        [
            *([RandomRotate(settings.rotate_share, settings.rotate, seg_pad_val=0)] if settings.rotate else []),
            RandomFlip(prob=settings.flip),
            RandomCrop(settings.crop),
            RandomGammaBrightnessColor(
                settings.color_share, gamma=settings.gamma, brightness=settings.brightness, color=settings.channel
            ),
        ]
    )

    def sample(index: int) -> DepthSample:
        results = cut(split.load(index))
        (height, width), crop = results["img"].shape[:2], settings.crop
        if height < crop[0] or width < crop[1]:
            raise DataError(
                f"{results['img_path']}: {height} rows of {width} pixels are left, too few for the random crop of "
                f"{crop[0]} x {crop[1]}; set train.crop"
            )
        return _tensors(augment(results), preprocessing)

    return sample


def test_sample(split: DepthSplit, settings: DepthTest, preprocessing: Preprocessing) -> Callable[[int], DepthSample]:
    """Returns a function from an index to a sample with the whole image and its depth, or ``fixed_crop`` of both.

    The function raises DataError for an image that is smaller than the crop.
    """
    cut = _cut(settings.fixed_crop)

    def sample(index: int) -> DepthSample:
        return _tensors(cut(split.load(index)), preprocessing)

    return sample


def _cut(crop: FixedCrop | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return Compose([] if crop is None else [CutFixed(crop.top, crop.left, crop.height, crop.width)])


def _tensors(results: dict[str, Any], preprocessing: Preprocessing) -> DepthSample:
    depth = torch.from_numpy(np.ascontiguousarray(results["gt_depth_map"]))
    return DepthSample(normalised(results["img"], preprocessing), depth)
