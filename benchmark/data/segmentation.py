"""Segmentation samples: files through mmsegmentation's datasets and transforms to normalised tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from mmcv.transforms import RandomResize
from mmengine.dataset import Compose
from torch import Tensor
from torch.nn import functional as F

from benchmark import compat
from benchmark.backbones.spec import Preprocessing
from benchmark.data.images import normalised, read_image
from benchmark.data.photometric import TorchvisionPhotoMetricDistortion
from benchmark.data.split import MapSplit
from benchmark.data.transforms import CheckSegmentationSample, ResizeWithFloorLabels
from benchmark.errors import DataError
from benchmark.protocols import Resize, SegmentationTest, SegmentationTrain

compat.install()
import mmseg.datasets  # noqa: E402, F401  (registers them; the shims come first)
from mmseg.datasets.transforms import LoadAnnotations, PhotoMetricDistortion, RandomCrop, RandomFlip  # noqa: E402
from mmseg.registry import DATASETS  # noqa: E402

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

    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its label map into an mmsegmentation ``results`` dict.

        Raises:
            DataError: A file that cannot be decoded, or labels that do not fit.
        """
        info = self._infos[index]
        image = read_image(info["img_path"])
        results = dict(info, seg_fields=[], img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        try:
            results = LoadAnnotations()(results)
        except Exception as error:  # decoders fail in many ways
            raise DataError(f"{info['seg_map_path']} cannot be read: {error}") from error
        return CheckSegmentationSample(self.layout.num_classes, IGNORE_INDEX)(results)

    def _list_files(self) -> list[dict[str, Any]]:
        infos = []
        for part in self.layout.splits[self.name]:
            dataset = DATASETS.build(
                dict(
                    type=self.layout.mmseg_type,
                    data_root=str(self.root),
                    data_prefix=dict(img_path=part.images, seg_map_path=part.labels),
                    ann_file=part.ids or "",
                    serialize_data=False,
                    pipeline=[],
                )
            )
            infos += [dataset.get_data_info(index) for index in range(len(dataset))]
        return infos


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
