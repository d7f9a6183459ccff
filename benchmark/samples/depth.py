"""Depth samples: files through mmsegmentation's transforms and ours to normalised tensors and metres.

There are no two presets here: DINOv2's training (Monocular-Depth-Estimation-Toolbox, ``pipelines/transforms.py``) and
DINOv3's (``eval/depth/transforms.py``) do the same in the same order, up to the arithmetic of the rotation's bilinear
filter, which is OpenCV's on bytes in the first and PyTorch's on floats in the second. Here it is OpenCV's. Nothing is
resized, neither in training nor in the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from torch import Tensor

from benchmark import compat
from benchmark.backbones.spec import Preprocessing
from benchmark.data.depth import DepthSplit
from benchmark.errors import DataError
from benchmark.protocols.depth import DepthTest, DepthTrain, FixedCrop
from benchmark.samples.images import normalised
from benchmark.samples.transforms import CutFixed, RandomGammaBrightnessColor

compat.install()
from mmseg.datasets.transforms import RandomCrop, RandomFlip, RandomRotate  # noqa: E402  (the shims come first)


@dataclass(frozen=True)
class DepthSample:
    """One image with its depth, both of the same size."""

    image: Tensor
    """(3, H, W) float32 RGB, normalised."""

    depth: Tensor
    """(H, W) float32 metres; 0 where nothing was measured. A map without any measurement is legal."""


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
