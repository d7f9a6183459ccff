"""Pixels to the backbone's input, the same for every task."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.backbones.spec import Preprocessing


def normalised(image: NDArray[np.generic], preprocessing: Preprocessing) -> Tensor:
    """Maps (H, W, 3) BGR of 0 to 255, integer or float, to (3, H, W) float32 RGB, normalised."""
    rgb = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return (rgb - mean) / std
