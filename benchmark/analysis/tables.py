"""What was measured as tables: one tidy frame for statistics, one summary for people and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.measure import HIGHEST, Magnitudes, Measured
from benchmark.analysis.moments import Moments
from benchmark.analysis.places import MEAN_OVER_BLOCKS, PLACES, SUB_LAYERS

COLUMNS = ("checkpoint", "block", "place", "statistic", "mean", "std", "n")
COSINES = ("cls_patch", "patch_patch")
_LARGEST = 5


def tidy(measured: Mapping[str, Measured]) -> pd.DataFrame:
    """Returns a row per checkpoint, block, place and statistic: mean and standard deviation over n images.

    ``block`` is an index, or ``mean`` for the mean over blocks; its deviation is that of the images' means.
    """
    rows = []
    for name, found in measured.items():
        order = sorted(found.streams, key=lambda key: PLACES.index(key[0]))
        for block in range(found.depth + 1):
            label = MEAN_OVER_BLOCKS if block == found.depth else str(block)
            for place, statistic in order:
                stream = found.streams[place, statistic]
                rows.append((name, label, place, statistic, stream.mean[block], stream.std[block], stream.n))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summary(found: Measured) -> dict[str, Any]:
    """Returns the figures of one checkpoint that fit on a page, as plain values."""
    return {
        "cosines": {
            layer.name: {
                statistic: {
                    "before": _mean(found.streams[layer.before, statistic]),
                    "after": _mean(found.streams[layer.after, statistic]),
                }
                for statistic in COSINES
            }
            for layer in SUB_LAYERS
            if (layer.after, COSINES[0]) in found.streams
        },
        "norms": {
            "cls_mean": float(found.norms.cls.mean()),
            "registers_mean": float(found.norms.registers.mean()) if found.norms.registers.size else None,
            "patches_median": found.norms.median,
            "patches_largest": float(found.norms.patches.max()),
            "outlier_share": found.norms.outliers,
        },
        "largest_dimensions": {str(block): _largest(each) for block, each in found.magnitudes.items()},
        "cls_attention": {
            statistic.removeprefix("cls_attention_to_"): _mean(stream)
            for (_, statistic), stream in found.streams.items()
            if statistic.startswith("cls_attention_to_")
        },
    }


def shown_dimensions(found: Magnitudes) -> list[int]:
    """Returns the dimensions of largest mean magnitude, of [CLS] and of the highest patches, in rising order."""
    vectors = (found.cls.mean, found.patches.mean.mean(0))
    return sorted({int(index) for vector in vectors for index in _order(vector)})


def _largest(found: Magnitudes) -> dict[str, Any]:
    kinds = {"cls": found.cls.mean, f"highest_{HIGHEST}_patches": found.patches.mean.mean(0)}
    return {
        kind: [{"dimension": int(index), "magnitude": float(vector[index])} for index in _order(vector)]
        for kind, vector in kinds.items()
    } | {"median_magnitude": {kind: float(np.median(vector)) for kind, vector in kinds.items()}}


def _order(vector: np.ndarray) -> np.ndarray:
    return np.argsort(-vector, kind="stable")[:_LARGEST]


def _mean(stream: Moments) -> float:
    return float(stream.mean[-1])
