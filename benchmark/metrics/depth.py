"""Depth errors, from sums over the pixels of one image.

Published tables disagree on whether an error is computed per image and then averaged, or over all pixels of the
dataset at once. Both follow from the same few sums per image, so one pass over the predictions gives both.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

DEPTH_SUMS = (
    "pixels",
    "squared",
    "relative",
    "squared_relative",
    "log10",
    "log",
    "log_squared",
    "below_1",
    "below_2",
    "below_3",
)
"""Columns of ``depth_sums``."""

DEPTH_ERRORS = ("rmse", "abs_rel", "sq_rel", "log10", "rmse_log", "silog", "delta1", "delta2", "delta3")
"""Keys of ``depth_errors``."""


def depth_errors(
    target: Tensor | np.ndarray, prediction: Tensor | np.ndarray, *, valid: Tensor | np.ndarray
) -> dict[str, float]:
    """Scores the depth map of one image.

    With p predicted, g true and e = ln p - ln g, means over the valid pixels:

    * ``rmse``: sqrt(mean((p - g)^2)), metres. ``sq_rel``: mean((p - g)^2 / g), metres.
    * ``abs_rel``: mean(|p - g| / g). ``log10``: mean(|log10 p - log10 g|).
    * ``rmse_log``: sqrt(mean(e^2)). ``silog``: 100 sqrt(mean(e^2) - mean(e)^2), 0 where rounding makes that negative.
    * ``delta1``, ``delta2``, ``delta3``: share of pixels with max(p/g, g/p) below 1.25, 1.25^2, 1.25^3.

    Definitions: Eigen et al., NIPS 2014, as in facebookresearch/dinov3 ``eval/depth/metrics.py`` and in
    Monocular-Depth-Estimation-Toolbox ``core/evaluation/metrics.py``. (``silog`` of mmsegmentation's ``DepthMetric``
    is another quantity: it subtracts half of the squared mean and not a percentage.)

    Args:
        target: (H, W) or any other shape, metres.
        prediction: As the target.
        valid: As the target, boolean; pixels that are scored.

    Returns:
        The errors; all nan if no pixel is valid. A prediction that is nan makes every error nan but the deltas.

    Raises:
        ValueError: Shapes differ, ``valid`` is not boolean, or a depth at a valid pixel is not positive.

    >>> depth_errors(np.array([1.0, 2.0]), np.array([1.0, 4.0]), valid=np.array([True, True]))["abs_rel"]
    0.5
    """
    if tuple(target.shape) != tuple(prediction.shape):
        raise ValueError(f"target {tuple(target.shape)} and prediction {tuple(prediction.shape)} differ in shape")
    errors = errors_from_sums(depth_sums(target, prediction, valid=valid))
    return {name: float(value) for name, value in errors.items()}


def depth_sums(
    target: Tensor | np.ndarray, prediction: Tensor | np.ndarray, *, valid: Tensor | np.ndarray
) -> Tensor | np.ndarray:
    """Sums over the valid pixels of one image, from which all depth errors follow.

    Sums of images add up to the sums of the dataset. They are float64, so that the variance in ``silog`` survives
    the subtraction.

    Args:
        target: (H, W) or any other shape, metres.
        prediction: (..., H, W), metres; leading axes, such as one of probes, are kept.
        valid: (H, W) boolean.

    Returns:
        float64 (..., K), columns ``DEPTH_SUMS``; a tensor if ``target`` is one, else an array.

    Raises:
        ValueError: Shapes differ, ``valid`` is not boolean, or a depth at a valid pixel is not positive.
    """
    targets, predictions, scored = (
        values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
        for values in (target, prediction, valid)
    )
    if scored.dtype != torch.bool:
        raise ValueError(f"valid must be boolean, received {scored.dtype}; write for example target > 0")
    leading = predictions.ndim - targets.ndim
    if leading < 0 or predictions.shape[leading:] != targets.shape or scored.shape != targets.shape:
        raise ValueError(
            f"prediction must end in the shape of target {tuple(targets.shape)}, and valid have it; "
            f"received {tuple(predictions.shape)} and {tuple(scored.shape)}"
        )
    true = targets[scored].double()
    predicted = predictions.flatten(leading)[..., scored.flatten()].double()
    if not (true > 0).all():
        raise ValueError(f"target must be positive at every valid pixel, found {float(true.min())}; mask it in valid")
    if (predicted <= 0).any():
        raise ValueError(
            f"prediction must be positive at every valid pixel, found {float(predicted.min())}; "
            "clamp it to the depth range"
        )
    difference = (predicted - true).abs()
    squared = difference.square()
    log_ratio = predicted.log() - true.log()
    ratio = torch.maximum(predicted / true, true / predicted)
    columns = (
        torch.ones_like(predicted),
        squared,
        difference / true,
        squared / true,
        log_ratio.abs() / math.log(10),
        log_ratio,
        log_ratio.square(),
        *(ratio < 1.25**power for power in (1, 2, 3)),
    )
    sums = torch.stack([column.sum(-1, dtype=torch.float64) for column in columns], dim=-1)
    return sums if isinstance(target, Tensor) else sums.numpy()


def errors_from_sums(sums: Tensor | np.ndarray) -> dict[str, np.ndarray]:
    """Returns the errors (see ``depth_errors``) of every row of sums.

    Args:
        sums: (..., K), columns ``DEPTH_SUMS``; a row is one image, or several added up.

    Returns:
        Name to float64 (...), nan for a row without a valid pixel.

    Raises:
        ValueError: The last axis is not K long.
    """
    rows = np.asarray(sums.cpu() if isinstance(sums, Tensor) else sums, dtype=np.float64)
    if not rows.ndim or rows.shape[-1] != len(DEPTH_SUMS):
        raise ValueError(f"sums must be (..., {len(DEPTH_SUMS)}), columns of DEPTH_SUMS, received {rows.shape}")
    with np.errstate(invalid="ignore"):  # 0 / 0 of an image without depth
        means = dict(zip(DEPTH_SUMS, np.moveaxis(rows / rows[..., :1], -1, 0), strict=True))
    variance = means["log_squared"] - np.square(means["log"])
    return {
        "rmse": np.sqrt(means["squared"]),
        "abs_rel": means["relative"],
        "sq_rel": means["squared_relative"],
        "log10": means["log10"],
        "rmse_log": np.sqrt(means["log_squared"]),
        "silog": 100 * np.sqrt(np.maximum(variance, 0)),
        "delta1": means["below_1"],
        "delta2": means["below_2"],
        "delta3": means["below_3"],
    }


def scores_from_sums(sums: Tensor | np.ndarray) -> dict[str, float]:
    """Scores a dataset in both conventions.

    ``rmse`` and the other plain names are computed per image and averaged over the images with equal weight (the
    field's usual number). ``rmse_pooled`` and its like are computed once over the pixels of all images. An image
    without a valid pixel enters neither; it is counted.

    Args:
        sums: (N, K), a row per image, columns ``DEPTH_SUMS``.

    Returns:
        Each name of ``DEPTH_ERRORS``, each with ``_pooled``, ``images_scored`` and ``images_without_depth``; errors
        are nan if no image has a valid pixel.

    Raises:
        ValueError: ``sums`` is not (N, K).
    """
    rows = np.asarray(sums.cpu() if isinstance(sums, Tensor) else sums, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"sums must be (images, {len(DEPTH_SUMS)}), received {rows.shape}")
    per_image, pooled = errors_from_sums(rows), errors_from_sums(rows.sum(0))
    scored = rows[:, 0] > 0
    means = {name: float(values[scored].mean()) if scored.any() else math.nan for name, values in per_image.items()}
    return {
        **means,
        **{f"{name}_pooled": float(value) for name, value in pooled.items()},
        "images_scored": int(scored.sum()),
        "images_without_depth": int((~scored).sum()),
    }
