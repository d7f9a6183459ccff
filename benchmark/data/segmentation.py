"""Segmentation samples: files through mmsegmentation's transforms to normalised tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import RandomResize
from mmengine.dataset import Compose
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmark import compat
from benchmark.backbones.spec import Preprocessing
from benchmark.data.decoding import label_map_problem, refuse_unfit
from benchmark.data.images import normalised, read_image
from benchmark.data.layout import Colours
from benchmark.data.map_listing import MapListing
from benchmark.data.palettes import palette_problem
from benchmark.data.photometric import TorchvisionPhotoMetricDistortion
from benchmark.data.segmentation_list import list_segmentation
from benchmark.data.split import MapSplit
from benchmark.data.transforms import CheckSegmentationSample, ResizeWithFloorLabels
from benchmark.errors import DataError
from benchmark.protocols import Resize, SegmentationTest, SegmentationTrain

compat.install()
from mmseg.datasets.transforms import PhotoMetricDistortion, RandomCrop, RandomFlip  # noqa: E402  (the shims come first)

IGNORE_INDEX = 255

# A "free" long side: mmcv's resize takes the smaller of the factors that two sides allow.
_UNBOUNDED = 10**6


@dataclass(frozen=True)
class SegmentationSample:
    """One image with its labels."""

    image: Tensor
    """(3, H, W) float32 RGB, normalised."""

    labels: Tensor
    """(H, W) or, at test time, (H', W') uint8 class ids; 255 is ignored."""


class SegmentationSplit(MapSplit):
    """The images and label maps of one split, in a fixed order; see `MapSplit`."""

    map_key = "seg_map_path"
    map_name = "label map"
    map_problem = staticmethod(label_map_problem)

    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its label map into an mmsegmentation ``results`` dict.

        Raises:
            DataError: A file that cannot be decoded, or labels that do not fit.
        """
        info = self._infos[index]
        image = read_image(info["img_path"])
        results = dict(info, seg_fields=[], img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        results["gt_seg_map"] = self.load_map(index)
        results["seg_fields"].append("gt_seg_map")
        return CheckSegmentationSample(self.layout.num_classes, IGNORE_INDEX)(results)

    def load_map(self, index: int) -> NDArray[np.uint8]:
        """Reads one label map alone, (H, W) class ids; 255 is ignored.

        Raises:
            DataError: A file that cannot be decoded.
        """
        labels = read_label_map(self._infos[index]["seg_map_path"], self.layout.colours)
        return _without_zero(labels) if self.layout.zero_is_other else labels

    def _list(self) -> MapListing:
        return list_segmentation(self.root, self.layout, self.name)

    def _info(self, image: str, map_path: str) -> dict[str, Any]:
        return {**super()._info(image, map_path), "reduce_zero_label": self.layout.zero_is_other}


def read_label_map(path: Path | str, colours: Colours = "any") -> NDArray[np.uint8]:
    """Reads a label map as (H, W) uint8, the values as they are stored: grey values, or indices into the palette.

    Args:
        path: The file.
        colours: What its palette should hold, if it has one.

    Raises:
        DataError: A file that cannot be decoded, whose kind cannot hold labels, or whose palette
            does not say that its indices are the labels.
    """
    refuse_unfit(path, label_map_problem)
    try:
        with Image.open(path) as file:
            labels = np.array(file)
            problem = palette_problem(file, colours)
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be read: {error}") from error
    if problem:
        raise DataError(f"{path}: {problem}")
    return labels


def _without_zero(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Makes 0 ignored and moves the others down by one; 255 stays."""
    return np.where(labels == IGNORE_INDEX, IGNORE_INDEX, labels - np.uint8(1)).astype(np.uint8)


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
