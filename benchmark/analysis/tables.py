"""Token statistics as tables: one tidy frame, and one summary for people and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.block_points import BLOCK_POINTS, MEAN_OVER_BLOCKS, SUB_LAYERS
from benchmark.analysis.measure import LARGEST_PATCHES, Magnitudes, TokenStatistics
from benchmark.analysis.running_stats import RunningStats

COLUMNS = ("checkpoint", "block", "place", "statistic", "mean", "std", "n")
COSINES = ("cls_patch", "patch_patch")
_LARGEST_DIMENSIONS = 5


def tidy(measured: Mapping[str, TokenStatistics]) -> pd.DataFrame:
    """Returns a row per checkpoint, block, point and statistic: mean and standard deviation over n images.

    The column of points is called ``place``, as files written before have it.

    ``block`` is an index, or ``mean`` for the mean over blocks; its deviation is that of the images' means.
    """
    rows = []
    for name, model in measured.items():
        keys = sorted(model.by_point, key=lambda key: BLOCK_POINTS.index(key[0]))
        for block in range(model.depth + 1):
            label = MEAN_OVER_BLOCKS if block == model.depth else str(block)
            for point, statistic in keys:
                stats = model.by_point[point, statistic]
                rows.append((name, label, point, statistic, stats.mean[block], stats.std[block], stats.n))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summary(model: TokenStatistics) -> dict[str, Any]:
    """Returns the main figures of one checkpoint as plain values."""
    return {
        "cosines": {
            layer.name: {
                statistic: {
                    "before": _mean_over_blocks(model.by_point[layer.before, statistic]),
                    "after": _mean_over_blocks(model.by_point[layer.after, statistic]),
                }
                for statistic in COSINES
            }
            for layer in SUB_LAYERS
            if (layer.after, COSINES[0]) in model.by_point
        },
        "norms": {
            "cls_mean": float(model.norms.cls.mean()),
            "registers_mean": float(model.norms.registers.mean()) if model.norms.registers.size else None,
            "patches_median": model.norms.median,
            "patches_largest": float(model.norms.patches.max()),
            "outlier_share": model.norms.outliers,
        },
        "largest_dimensions": {
            str(block): _largest_dimensions(magnitudes) for block, magnitudes in model.magnitudes.items()
        },
        "cls_attention": {
            statistic.removeprefix("cls_attention_to_"): _mean_over_blocks(stats)
            for (_, statistic), stats in model.by_point.items()
            if statistic.startswith("cls_attention_to_")
        },
    }


def shown_dimensions(magnitudes: Magnitudes) -> list[int]:
    """Returns the dimensions of largest mean magnitude, of [CLS] and of patches of largest norm, in ascending order."""
    vectors = (magnitudes.cls.mean, magnitudes.patches.mean.mean(0))
    return sorted({int(index) for vector in vectors for index in _largest(vector)})


def _largest_dimensions(magnitudes: Magnitudes) -> dict[str, Any]:
    kinds = {"cls": magnitudes.cls.mean, f"highest_{LARGEST_PATCHES}_patches": magnitudes.patches.mean.mean(0)}
    return {
        kind: [{"dimension": int(index), "magnitude": float(vector[index])} for index in _largest(vector)]
        for kind, vector in kinds.items()
    } | {"median_magnitude": {kind: float(np.median(vector)) for kind, vector in kinds.items()}}


def _largest(vector: np.ndarray) -> np.ndarray:
    return np.argsort(-vector, kind="stable")[:_LARGEST_DIMENSIONS]


def _mean_over_blocks(stats: RunningStats) -> float:
    return float(stats.mean[-1])
