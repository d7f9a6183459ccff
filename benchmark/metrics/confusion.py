"""Exact counts of target against predicted classes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def confusion_matrix(
    target: Tensor | np.ndarray,
    prediction: Tensor | np.ndarray,
    *,
    num_classes: int,
    ignore_index: int = 255,
) -> Tensor | np.ndarray:
    """Counts pixels by target and predicted class.

    Counts are int64, so they stay exact where mmsegmentation's float32 histograms lose units (above 2**24 pixels),
    and matrices of images add up in any order to the matrix of the dataset.

    Args:
        target: Integer labels of any shape, in [0, num_classes) or equal to ``ignore_index``.
        prediction: Integer classes of the same shape, in [0, num_classes) wherever the target is scored.
        num_classes: Number of classes C.
        ignore_index: Label of the pixels that are not scored, whatever is predicted there.

    Returns:
        int64 (C, C), rows are targets; a tensor if ``target`` is one, else an array.

    Raises:
        ValueError: Shapes differ, values are not integers, or a class is out of range.

    >>> confusion_matrix(np.array([[0, 1], [1, 255]]), np.array([[0, 1], [0, 0]]), num_classes=2)
    array([[1, 0],
           [1, 1]])
    """
    targets, predictions = (
        values if isinstance(values, Tensor) else torch.from_numpy(np.array(values)) for values in (target, prediction)
    )
    if targets.shape != predictions.shape:
        raise ValueError(f"target {tuple(targets.shape)} and prediction {tuple(predictions.shape)} differ in shape")
    if targets.is_floating_point() or predictions.is_floating_point():
        raise ValueError(f"target and prediction must be integers, received {targets.dtype} and {predictions.dtype}")
    scored = targets != ignore_index
    targets, predictions = targets[scored].long(), predictions[scored].long()
    for name, values in (("target", targets), ("prediction", predictions)):
        if values.numel() and not 0 <= int(values.min()) <= int(values.max()) < num_classes:
            raise ValueError(
                f"{name} classes must lie in [0, {num_classes}), found {int(values.min())} to {int(values.max())}"
            )
    counts = torch.bincount(targets * num_classes + predictions, minlength=num_classes**2)
    counts = counts.view(num_classes, num_classes)
    return counts if isinstance(target, Tensor) else counts.numpy()
