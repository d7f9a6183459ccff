"""Patch tokens as colours: the first three principal components of one image's patches.

Components have no sign, no scale, and no meaning shared by two models. So that maps can be compared, this rule holds
everywhere:

* Patches are centred on the image's mean; nothing is masked. Red, green and blue are components 1, 2 and 3.
* Scale: a score of -2 standard deviations of its component, over the image's patches, is 0 and +2 is 1, clipped. A
  mean patch is grey.
* Sign: a component of the first checkpoint has the sign with which patches near the centre of the image have more of it
  than those near the border. That of another checkpoint has the sign with which its map correlates positively with the
  same component of the first.

Source of what is shown: arXiv 2602.08626, figures 1 and 14-16, whose own rule is not known.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

COMPONENTS = 3
_SPAN = 2.0  # standard deviations from grey to a full or an empty channel


def principal_maps(patches: Tensor, grid: tuple[int, int]) -> NDArray[np.float64]:
    """Projects the patches of an image on their principal components.

    Args:
        patches: (N, D), row by row.
        grid: (h, w) with h * w = N.

    Returns:
        (h, w, 3) scores in standard deviations, larger towards the centre. A component that the patches do not have
        (fewer than four of them, or all alike) is 0.
    """
    centred = patches.double().cpu()
    centred = centred - centred.mean(0)
    left, singular_values, _ = torch.linalg.svd(centred, full_matrices=False)
    scores = torch.zeros(len(centred), COMPONENTS, dtype=torch.float64)
    # Relative to the largest token, not to the largest component: equal patches differ by rounding only.
    nonzero = singular_values[:COMPONENTS] > 1e-6 * max(float(patches.double().norm()), 1e-30)
    count = int(nonzero.sum())
    scores[:, :count] = left[:, :count] * len(centred) ** 0.5
    maps = scores.unflatten(0, grid).numpy()
    return maps * _signs(maps, _centrality(grid)[..., None])


def align_signs(maps: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flips each component so that its map correlates positively with that of ``reference``; grids may differ."""
    height, width = maps.shape[:2]
    resized = torch.from_numpy(reference).permute(2, 0, 1)[None]
    resized = F.interpolate(resized, size=(height, width), mode="bilinear", align_corners=False)
    return maps * _signs(maps, resized[0].permute(1, 2, 0).numpy())


def to_rgb(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps scores in standard deviations to colours in [0, 1]."""
    return (0.5 + maps / (2 * _SPAN)).clip(0, 1)


def _signs(maps: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the sign of each component's correlation with the reference; maps have a mean of 0, so it needs none."""
    return np.where((maps * reference).sum((0, 1)) < 0, -1.0, 1.0)


def _centrality(grid: tuple[int, int]) -> NDArray[np.float64]:
    """Returns minus the squared distance of each patch from the centre, sides counted as 1."""
    rows, columns = ((np.arange(size) + 0.5) / size - 0.5 for size in grid)
    return -(rows[:, None] ** 2 + columns**2)
