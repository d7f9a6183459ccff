"""Intersection over union from counts."""

from __future__ import annotations

import warnings
from typing import TypedDict

import numpy as np
from torch import Tensor


class IoUScores(TypedDict):
    """Scores of one confusion matrix, in [0, 1]."""

    miou: float
    """Mean IoU over the classes that occur."""

    per_class_iou: np.ndarray
    """(C,) float64; nan for a class absent from target and prediction."""

    pixel_accuracy: float
    """Correct pixels over scored pixels."""

    mean_accuracy: float
    """Mean recall over the classes that occur in the target."""


def iou_scores(confusion: Tensor | np.ndarray) -> IoUScores:
    """Scores the confusion matrix of a whole dataset.

    Definition: mmsegmentation 1.2.2 ``IoUMetric``: areas are summed over the dataset first, then divided, then
    averaged over classes. A class absent from target and prediction has no IoU and is left out of the mean; on an
    empty matrix everything is nan.

    Args:
        confusion: (C, C) counts, rows are targets (see ``confusion_matrix``).

    Raises:
        ValueError: The matrix is not square.
    """
    counts = np.asarray(confusion.cpu() if isinstance(confusion, Tensor) else confusion, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"a confusion matrix is (C, C), received {counts.shape}")
    return scores_from_areas(np.diag(counts), counts.sum(0), counts.sum(1))


def scores_from_areas(intersection: np.ndarray, prediction: np.ndarray, label: np.ndarray) -> IoUScores:
    """Scores per-class pixel counts of a whole dataset.

    Args:
        intersection: (C,) pixels predicted right, by class.
        prediction: (C,) scored pixels predicted as the class.
        label: (C,) scored pixels labelled as the class.
    """
    with np.errstate(invalid="ignore"):
        iou = intersection / (prediction + label - intersection)
        recall = intersection / label
        pixel_accuracy = intersection.sum() / np.float64(label.sum())
    return IoUScores(
        miou=_nanmean(iou),
        per_class_iou=iou,
        pixel_accuracy=float(pixel_accuracy),
        mean_accuracy=_nanmean(recall),
    )


def _nanmean(values: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return float(np.nanmean(values))
