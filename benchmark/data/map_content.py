"""What a label map or depth map holds, as far as a check of data counts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DepthRange:
    """Metres of one depth map, or of all of a split, over pixels that hold a measurement."""

    valid: float
    """Share of pixels with a measurement."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, depths: NDArray[np.floating]) -> DepthRange | None:
        """Measures one map, (H, W) metres with 0 where nothing was measured; None where that is everywhere."""
        measured = depths[depths > 0]
        if measured.size == 0:
            return None
        lowest, median, highest = float(measured.min()), float(np.median(measured)), float(measured.max())
        return cls(measured.size / depths.size, lowest, median, highest)

    @classmethod
    def over(cls, maps: Sequence[DepthRange]) -> DepthRange:
        """Puts maps together: mean share, lowest, median of the medians, highest."""
        return cls(
            valid=float(np.mean([each.valid for each in maps])),
            lowest=min(each.lowest for each in maps),
            median=float(np.median([each.median for each in maps])),
            highest=max(each.highest for each in maps),
        )


@dataclass(frozen=True)
class MapContent:
    """One map; a dataset without maps has nothing in it."""

    histogram: NDArray[np.int64] | None = None
    """(256,) pixels of each class id, and of what is ignored at `IGNORE_INDEX`."""

    depth: DepthRange | None = None

    without_depth: bool = False
    """Whether a depth map holds no measurement at all."""
