"""Making image sides multiples of the patch size."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def center_pad(images: Tensor, multiple: int) -> Tensor:
    """Pads (B, C, H, W) with zeros on all sides, so that H and W become multiples of ``multiple``.

    Source: ``CenterPadding`` of facebookresearch/dinov2 ``hub/utils.py``: an odd pixel goes right and below. The
    images are normalised already, so zero is the mean colour.
    """
    left, right = _split(images.shape[-1], multiple)
    top, bottom = _split(images.shape[-2], multiple)
    return F.pad(images, (left, right, top, bottom))


def _split(size: int, multiple: int) -> tuple[int, int]:
    missing = -size % multiple
    return missing // 2, missing - missing // 2
