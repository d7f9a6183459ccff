"""Transforms mmsegmentation lacks, registered beside its own."""

from __future__ import annotations

from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform, Resize

from benchmark import compat
from benchmark.data.decoding import label_map_problem, refuse_unfit
from benchmark.data.images import size_mismatch
from benchmark.errors import DataError

compat.install()
from mmseg.registry import TRANSFORMS  # noqa: E402  (the shims come first)


@TRANSFORMS.register_module()
class CheckSegmentationSample(BaseTransform):
    """Refuses a label map that is not what the dataset promises, right after it is loaded.

    Raises:
        DataError: The label file is of a kind that cannot hold labels, is of another size than its image, or holds a
            label that is neither a class nor ``ignore_index``.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Checks ``img`` and ``gt_seg_map`` and passes them on."""
        labels, path = results["gt_seg_map"], results["seg_map_path"]
        refuse_unfit(path, label_map_problem)
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


@TRANSFORMS.register_module()
class CutFixed(BaseTransform):
    """Cuts the same part out of every image and its maps, as depth benchmarks do before anything else.

    Args:
        top: First row, or "bottom" for the lowest rows.
        left: First column, or "centre" for the middle ones; of an odd margin the larger half is on the right.
        height: Rows.
        width: Columns.

    Raises:
        DataError: An image that does not hold this part.
    """

    def __init__(self, top: int | str, left: int | str, height: int, width: int) -> None:
        self.top, self.left, self.height, self.width = top, left, height, width

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Cuts ``img`` and the maps named in ``seg_fields``."""
        height, width = results["img"].shape[:2]
        top = height - self.height if self.top == "bottom" else self.top
        left = (width - self.width) // 2 if self.left == "centre" else self.left
        bottom, right = top + self.height, left + self.width
        if top < 0 or left < 0 or bottom > height or right > width:
            raise DataError(
                f"{results['img_path']} is {width}x{height}, too small for the fixed crop of "
                f"{self.width}x{self.height} at row {self.top}, column {self.left}; set a smaller fixed_crop or null"
            )
        for key in ("img", *results["seg_fields"]):
            results[key] = results[key][top:bottom, left:right]
        results["img_shape"] = (self.height, self.width)
        return results


@TRANSFORMS.register_module()
class RandomGammaBrightnessColor(BaseTransform):
    """Changes the colours of an image of bytes as depth training does; the result is float32 of 0 to 255.

    A value v of channel c becomes ``v ** gamma * brightness * color[c]``, clipped to 0 to 255. The power acts on 0 to
    255, not on 0 to 1, so that a gamma of 1.1 makes a bright image white. Source: ``ColorAug`` of
    Monocular-Depth-Estimation-Toolbox, ``depth/datasets/pipelines/transforms.py``, kept by DINOv2 and DINOv3.

    Args:
        prob: Share of the images that are changed.
        gamma: Range of the exponent.
        brightness: Range of the factor on all channels.
        color: Range of the factor on each channel.
    """

    def __init__(
        self, prob: float, *, gamma: tuple[float, float], brightness: tuple[float, float], color: tuple[float, float]
    ) -> None:
        self.prob, self.gamma, self.brightness, self.color = prob, gamma, brightness, color

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes ``img``."""
        if np.random.rand() >= self.prob:
            return results
        gamma, brightness = np.random.uniform(*self.gamma), np.random.uniform(*self.brightness)
        factors = brightness * np.random.uniform(*self.color, size=3)
        table = np.arange(256.0)[:, None] ** gamma * factors  # only 256 values can occur
        table = table.clip(0, 255).astype(np.float32)
        results["img"] = cv2.LUT(np.ascontiguousarray(results["img"]), table[None])
        return results
