"""Classification accuracy from the rank of the true class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def top_k(scores: Tensor | np.ndarray, target: Tensor | np.ndarray, *, k: Sequence[int] = (1, 5)) -> dict[int, float]:
    """Share of images whose class is among the k highest scores.

    Every image has the same weight. Ties go to the lower class (see ``ranks``). With k >= C every class is among the
    first k, so the share is 1.

    Args:
        scores: (N, C), higher is more likely.
        target: (N,) integer classes.
        k: Positive integers.

    Returns:
        k to a share in [0, 1]; nan if there are no images.

    Raises:
        ValueError: Wrong shapes, a target that is not a class, or a k below 1.

    >>> top_k(np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]), np.array([2, 0]), k=(1, 2))
    {1: 0.5, 2: 1.0}
    """
    if any(number < 1 for number in k):
        raise ValueError(f"k must be positive, received {tuple(k)}")
    if scores.ndim != 2:
        raise ValueError(f"scores must be (N, C), received {tuple(scores.shape)}")
    places = ranks(scores, target)
    return {number: accuracy_from_hits(places < number) for number in k}


def ranks(scores: Tensor | np.ndarray, target: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """Places of the true classes: how many classes come before them.

    Classes that score higher come before, and those of lower index that score the same, as ``argmax`` has it on CPUs.
    So rank < k says whether the top k hold the class, for any k. A true class whose score is nan (a head that
    diverged) has rank C: it is among no top k below C + 1; other nan scores count as lowest.

    Args:
        scores: (..., N, C); leading axes, such as one of probes, are kept.
        target: (N,) integer classes in [0, C).

    Returns:
        int64 (..., N); a tensor if ``scores`` is one, else an array.

    Raises:
        ValueError: Wrong shapes, targets that are not integers, or one out of range.
    """
    values, classes = (
        array if isinstance(array, Tensor) else torch.from_numpy(np.array(array)) for array in (scores, target)
    )
    if values.ndim < 2 or classes.shape != values.shape[-2:-1]:
        raise ValueError(
            f"scores must be (..., N, C) and target (N,), received {tuple(values.shape)} and {tuple(classes.shape)}"
        )
    if classes.is_floating_point() or classes.dtype == torch.bool:
        raise ValueError(f"target must be integers, received {classes.dtype}")
    count = values.shape[-1]
    if classes.numel() and not 0 <= int(classes.min()) <= int(classes.max()) < count:
        raise ValueError(f"target must lie in [0, {count}), found {int(classes.min())} to {int(classes.max())}")
    classes = classes.to(values.device, torch.int64)[:, None]
    true = values.gather(-1, classes.expand(*values.shape[:-1], 1))
    before = (values == true) & (torch.arange(count, device=values.device) < classes)
    before |= values > true
    places = torch.where(true.isnan().squeeze(-1), count, before.sum(-1))
    return places if isinstance(scores, Tensor) else places.numpy()


def accuracy_from_hits(hits: Tensor | np.ndarray) -> float:
    """Returns the share of hits (N,) in [0, 1], nan without images."""
    values = _array(hits)
    return float(values.mean()) if values.size else math.nan


def mean_class_accuracy(hits: Tensor | np.ndarray, labels: Tensor | np.ndarray, *, num_classes: int) -> float:
    """Accuracy of each class, averaged over the classes that occur with equal weight.

    Definition: ``sklearn.metrics.balanced_accuracy_score`` (mean recall), for hits at any k.

    Args:
        hits: (N,) boolean, whether each image was classified right.
        labels: (N,) integer classes in [0, num_classes).
        num_classes: Number of classes C.

    Returns:
        The mean in [0, 1]; nan if there are no images.

    Raises:
        ValueError: Wrong shapes, or a label out of range.
    """
    values, classes = _array(hits), _array(labels)
    if values.ndim != 1 or values.shape != classes.shape:
        raise ValueError(f"hits and labels must be (N,), received {values.shape} and {classes.shape}")
    if not values.size:
        return math.nan
    if not np.issubdtype(classes.dtype, np.integer) or not 0 <= classes.min() <= classes.max() < num_classes:
        raise ValueError(
            f"labels must be integers in [0, {num_classes}), found {classes.dtype} {classes.min()} to {classes.max()}"
        )
    occurring = np.bincount(classes, minlength=num_classes)
    right = np.bincount(classes, weights=values, minlength=num_classes)
    return float(np.mean(right[occurring > 0] / occurring[occurring > 0]))


def _array(values: Tensor | np.ndarray) -> np.ndarray:
    return np.asarray(values.cpu() if isinstance(values, Tensor) else values)
