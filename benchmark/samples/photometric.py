"""Photometric distortion of segmentation training, in torchvision's arithmetic.

DINOv3 (facebookresearch/dinov3 6876159, ``eval/segmentation/transforms.py`` lines 21-101) has mmsegmentation's order,
ranges and probabilities, and changes saturation and hue with torchvision (0.22, ``transforms/_functional_tensor.py``):

* saturation blends the image with its grey, so that the brightness stays; grey is 0.2989 R + 0.587 G + 0.114 B;
* hue is shifted by a real number in floating point. mmsegmentation scales S and shifts H by whole units of 2 degrees in
  HSV of 8 bits.

Every operation ends in bytes, fractions cut off, as in both sources.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from benchmark import compat

compat.install()
from mmseg.registry import TRANSFORMS  # noqa: E402  (the shims come first)

_GREY = np.array([0.114, 0.587, 0.2989], np.float32)  # of B, G, R; they add up to 0.9999, so white becomes 254


@TRANSFORMS.register_module()
class TorchvisionPhotoMetricDistortion(BaseTransform):
    """Changes brightness, contrast, saturation, hue of an image of BGR bytes, or contrast last; each with p = 1/2.

    Args:
        brightness: Largest shift of the grey values, of 255.
        contrast: Range of factors.
        saturation: Range of factors.
        hue: Largest shift in units of 2 degrees: 90 reach half of the circle.
    """

    def __init__(
        self, brightness: int, contrast: tuple[float, float], saturation: tuple[float, float], hue: int
    ) -> None:
        self.brightness, self.contrast, self.saturation, self.hue = brightness, contrast, saturation, hue

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes ``img``; draws from numpy's global generator."""
        image = results["img"]
        if _coin():
            image = to_bytes(image + np.float32(np.random.uniform(-self.brightness, self.brightness)))
        contrast_last = _coin()
        if not contrast_last:
            image = self._contrast(image)
        if _coin():
            image = adjust_saturation(image, np.random.uniform(*self.saturation))
        if _coin():
            image = adjust_hue(image, np.random.uniform(-self.hue, self.hue) / 180)
        if contrast_last:
            image = self._contrast(image)
        results["img"] = image
        return results

    def _contrast(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return to_bytes(image * np.float32(np.random.uniform(*self.contrast))) if _coin() else image


def adjust_saturation(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Blends an image (H, W, 3), BGR bytes, with its grey: a factor of 0 is grey, 1 the image, 2 twice as colourful."""
    grey = (image @ _GREY).astype(np.uint8).astype(np.float32)[..., None]
    return to_bytes(np.float32(factor) * image + np.float32(1 - factor) * grey)


def adjust_hue(image: NDArray[np.uint8], shift: float) -> NDArray[np.uint8]:
    """Shifts the hue of an image (H, W, 3), BGR bytes, by a share of the circle; saturation and value stay."""
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2HSV)  # H in degrees, S and V in [0, 1]
    hsv[..., 0] = (hsv[..., 0] + np.float32(360 * shift)) % 360
    # torchvision's way from [0, 1] to bytes: each gets an equal part of the interval
    return to_bytes(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR) * np.float32(255.999))


def to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Clips to 0 to 255 and cuts fractions off."""
    return values.clip(0, 255).astype(np.uint8)


def _coin() -> bool:
    return bool(np.random.randint(2))
