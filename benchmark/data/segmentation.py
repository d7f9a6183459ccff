"""Segmentation samples: files through mmsegmentation's datasets and transforms to normalised tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile, RandomResize
from mmengine.dataset import Compose
from torch import Tensor
from torch.nn import functional as F

from benchmark import compat
from benchmark.backbones.spec import Preprocessing
from benchmark.data.layout import SegmentationLayout
from benchmark.data.manifest import fingerprint_splits
from benchmark.data.transforms import CheckSegmentationSample, ResizeWithFloorLabels
from benchmark.errors import DataError, did_you_mean
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


class SegmentationSplit:
    """The images and label maps of one split, in a fixed order.

    Args:
        layout: The dataset.
        data_root: Folder that holds all datasets.
        split: Name of one of its splits.
        limit: Keep the first so many images only.

    Raises:
        DataError: An unknown split, a folder, list, image or label map that is missing, or an empty split.
    """

    def __init__(self, layout: SegmentationLayout, data_root: Path, split: str, *, limit: int | None = None) -> None:
        if split not in layout.splits:
            near = did_you_mean(split, layout.splits)
            raise DataError(f"{layout.name} has no split {split!r}{near}; splits: {', '.join(layout.splits)}")
        missing = layout.missing(data_root, (split,))
        if missing:
            raise DataError(
                f"{layout.name}: no {missing[0]}; --data-root must hold {layout.folder}/ in its official layout"
            )
        self.layout = layout
        self.name = split
        self.root = layout.root(data_root)
        self._infos = _list_files(layout, self.root, split)[:limit]
        if not self._infos:
            raise DataError(f"{layout.name}: no images of split {split!r} under {self.root}")
        for info in self._infos:
            for key in ("img_path", "seg_map_path"):
                if not Path(info[key]).is_file():
                    raise DataError(
                        f"{layout.name}: {info[key]} is missing; {split!r} needs an image and its label map"
                    )

    def __len__(self) -> int:
        return len(self._infos)

    @property
    def names(self) -> list[str]:
        """Image paths relative to the dataset's root."""
        return [Path(info["img_path"]).relative_to(self.root).as_posix() for info in self._infos]

    @property
    def files(self) -> list[Path]:
        """Image and label map of each sample, in order."""
        return [Path(info[key]) for info in self._infos for key in ("img_path", "seg_map_path")]

    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its label map into an mmsegmentation ``results`` dict.

        Raises:
            DataError: A file that cannot be decoded, or labels that do not fit.
        """
        results = dict(self._infos[index], seg_fields=[])
        # Pillow decodes to the same pixels as OpenCV and refuses a truncated file, which OpenCV fills with grey.
        for loader, key in (
            (LoadImageFromFile(imdecode_backend="pillow"), "img_path"),
            (LoadAnnotations(), "seg_map_path"),
        ):
            try:
                results = loader(results)
            except Exception as error:  # decoders fail in many ways
                raise DataError(f"{results[key]} cannot be read: {error}") from error
        return CheckSegmentationSample(self.layout.num_classes, IGNORE_INDEX)(results)


def data_fingerprint(splits: Sequence[SegmentationSplit]) -> str:
    """Hashes names and contents of all files of ``splits`` of one dataset: 16 hexadecimal digits."""
    return fingerprint_splits({split.name: split.files for split in splits}, splits[0].root)


def refuse_overlap(train: SegmentationSplit, val: SegmentationSplit) -> None:
    """Raises DataError if an image stands in both splits."""
    shared = sorted(set(train.names) & set(val.names))
    if shared:
        raise DataError(
            f"{train.layout.name}: {len(shared)} images are in both {train.name!r} and {val.name!r}: {shared[0]}"
        )


def train_sample(
    split: SegmentationSplit, settings: SegmentationTrain, preprocessing: Preprocessing
) -> Callable[[int], SegmentationSample]:
    """Returns a function from an index to an augmented sample of ``settings.crop`` squared.

    Randomness is drawn from numpy's global generator, as mmsegmentation's transforms do.
    """
    augment = _augmentation(settings)

    def sample(index: int) -> SegmentationSample:
        results = augment(split.load(index))
        image, labels = _normalised(results["img"], preprocessing), torch.from_numpy(results["gt_seg_map"])
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
        return SegmentationSample(_normalised(image, preprocessing), torch.from_numpy(results["gt_seg_map"]))

    return sample


def _list_files(layout: SegmentationLayout, root: Path, split: str) -> list[dict[str, Any]]:
    infos = []
    for part in layout.splits[split]:
        dataset = DATASETS.build(
            dict(
                type=layout.mmseg_type,
                data_root=str(root),
                data_prefix=dict(img_path=part.images, seg_map_path=part.labels),
                ann_file=part.ids or "",
                serialize_data=False,
                pipeline=[],
            )
        )
        infos += [dataset.get_data_info(index) for index in range(len(dataset))]
    return infos


def _augmentation(settings: SegmentationTrain) -> Compose:
    resize = _resize(settings.resize)
    return Compose(
        [
            RandomResize(
                resize.scale, settings.scale, ResizeWithFloorLabels, keep_ratio=True, backend=settings.resize.filter
            ),
            RandomCrop((settings.crop, settings.crop), cat_max_ratio=settings.max_class_share),
            RandomFlip(prob=settings.flip),
            PhotoMetricDistortion(settings.brightness, settings.contrast, settings.saturation, settings.hue),
        ]
    )


def _resize(settings: Resize) -> ResizeWithFloorLabels:
    scale = (settings.long or _UNBOUNDED, settings.short)
    return ResizeWithFloorLabels(scale, keep_ratio=True, backend=settings.filter)


def _normalised(image: np.ndarray, preprocessing: Preprocessing) -> Tensor:
    """Maps (H, W, 3) uint8 BGR to (3, H, W) float32 RGB, normalised."""
    rgb = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return (rgb - mean) / std
