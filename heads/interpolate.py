"""Bilinear resizing as a matrix, one per axis."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def bilinear_matrix(
    size_in: int,
    size_out: int,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """Returns the (size_out, size_in) matrix of one axis of a bilinear resize.

    ``matrix @ x`` equals ``F.interpolate(x, mode="bilinear", align_corners=False)`` along that axis to
    rounding: each row holds the two weights PyTorch gives to the neighbours of one output position.
    """
    identity = torch.eye(size_in, dtype=torch.float64)[None, None]
    matrix = F.interpolate(identity, size=(size_out, size_in), mode="bilinear", align_corners=False)
    return matrix[0, 0].to(device=device, dtype=dtype)
