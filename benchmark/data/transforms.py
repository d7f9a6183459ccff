"""Transforms mmsegmentation lacks, registered beside its own."""

from __future__ import annotations

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform, Resize
from PIL import Image

from benchmark import compat
from benchmark.data.images import size_mismatch
from benchmark.errors import DataError

compat.install()
from mmseg.registry import TRANSFORMS  # noqa: E402  (the shims come first)


@TRANSFORMS.register_module()
class CheckSegmentationSample(BaseTransform):
    """Refuses a label map that is not what the dataset promises, right after it is loaded.

    Raises:
        DataError: The label file has colour channels or 16 bits, is of another size than its image, or holds a
            label that is neither a class nor ``ignore_index``.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Checks ``img`` and ``gt_seg_map`` and passes them on."""
        labels, path = results["gt_seg_map"], results["seg_map_path"]
        with Image.open(path) as file:
            mode = file.mode
        if mode not in ("L", "P", "1"):
            raise DataError(f"{path}: label maps are 8-bit grey or palette images, this one has mode {mode}")
        if labels.shape != results["img"].shape[:2]:
            raise size_mismatch("label", path, labels.shape, results["img_path"], results["img"].shape)
        found = np.unique(labels)
        strange = found[(found >= self.num_classes) & (found != self.ignore_index)]
        if strange.size:
            shifted = " (after the zero label was removed)" if results["reduce_zero_label"] else ""
            raise DataError(
                f"{path}: label {strange[0]}{shifted} is outside the {self.num_classes} classes and is not the "
                f"ignored {self.ignore_index}"
            )
        return results


@TRANSFORMS.register_module()
class ResizeWithFloorLabels(Resize):
    """mmcv's ``Resize`` that always samples labels as OpenCV and PyTorch do, at ``floor(i * scale)``.

    With the Pillow backend mmcv would sample them half a pixel further; DINOv3 resizes images with Pillow and label
    tensors with PyTorch (``eval/segmentation/transforms.py``).
    """

    def _resize_seg(self, results: dict[str, Any]) -> None:
        if "gt_seg_map" not in results:
            return
        height, width = results["img_shape"]
        results["gt_seg_map"] = mmcv.imresize(results["gt_seg_map"], (width, height), interpolation="nearest")
