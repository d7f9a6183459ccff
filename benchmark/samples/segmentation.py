"""Segmentation samples: files through mmsegmentation's transforms to normalised tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from mmcv.transforms import RandomResize
from mmengine.dataset import Compose
from torch import Tensor
from torch.nn import functional as F

from benchmark import compat
from benchmark.backbones.spec import Preprocessing
from benchmark.data.label_encoding import IGNORE_INDEX
from benchmark.data.segmentation import SegmentationSplit
from benchmark.protocols.segmentation import Resize, SegmentationTest, SegmentationTrain
from benchmark.samples.images import normalised
from benchmark.samples.photometric import TorchvisionPhotoMetricDistortion
from benchmark.samples.transforms import ResizeWithFloorLabels

compat.install()
from mmseg.datasets.transforms import PhotoMetricDistortion, RandomCrop, RandomFlip  # noqa: E402  (the shims come first)

# A "free" long side: mmcv's resize takes the smaller of the factors that two sides allow.
_UNBOUNDED = 10**6


@dataclass(frozen=True)
class SegmentationSample:
    """One image with its labels."""

    image: Tensor
    """(3, H, W) float32 RGB, normalised."""

    labels: Tensor
    """(H, W) or, at test time, (H', W') uint8 class ids; 255 is ignored."""


def train_sample(
    split: SegmentationSplit, settings: SegmentationTrain, preprocessing: Preprocessing
) -> Callable[[int], SegmentationSample]:
    """Returns a function from an index to an augmented sample of ``settings.crop`` squared.

    Randomness is drawn from numpy's global generator, as mmsegmentation's transforms do.
    """
    augment = _augmentation(settings)

    def sample(index: int) -> SegmentationSample:
        results = augment(split.load(index))
        image, labels = normalised(results["img"], preprocessing), torch.from_numpy(results["gt_seg_map"])
        missing = (0, settings.crop - image.shape[2], 0, settings.crop - image.shape[1])
        return SegmentationSample(F.pad(image, missing), F.pad(labels, missing, value=IGNORE_INDEX))

    return sample


def test_sample(
    split: SegmentationSplit, settings: SegmentationTest, preprocessing: Preprocessing
) -> Callable[[int], SegmentationSample]:
    """Returns a function from an index to a sample with a resized image and labels at their own size."""
    resize = _resize(settings.resize)

    def sample(index: int) -> SegmentationSample:
        results = split.load(index)
        image = resize({"img": results["img"]})["img"]
        return SegmentationSample(normalised(image, preprocessing), torch.from_numpy(results["gt_seg_map"]))

    return sample


def _augmentation(settings: SegmentationTrain) -> Compose:
    resize = _resize(settings.resize)
    distort = PhotoMetricDistortion if settings.photometric == "mmseg" else TorchvisionPhotoMetricDistortion
    return Compose(
        [
            RandomResize(
                resize.scale, settings.scale, ResizeWithFloorLabels, keep_ratio=True, backend=settings.resize.filter
            ),
            RandomCrop((settings.crop, settings.crop), cat_max_ratio=settings.max_class_share),
            RandomFlip(prob=settings.flip),
            distort(settings.brightness, settings.contrast, settings.saturation, settings.hue),
        ]
    )


def _resize(settings: Resize) -> ResizeWithFloorLabels:
    scale = (settings.long or _UNBOUNDED, settings.short)
    return ResizeWithFloorLabels(scale, keep_ratio=True, backend=settings.filter)
