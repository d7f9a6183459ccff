"""Losses on depth, over groups of images as the sources' processes saw them.

DINOv2 and DINOv3 train depth on 8 processes of 2 images. Their losses are not means over pixels: each process takes
its statistics over its own 2 images, and the gradients are averaged. One process with 16 images gets the same
gradient only if it does so group by group, so a batch is split into groups of ``group_size`` and their losses are
averaged. A group without a valid pixel counts as a loss of 0 and has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class SigLoss:
    """Scale-invariant loss: the spread of the log error, and a part of its mean.

    With g = ln(p + epsilon) - ln(t + epsilon) over the valid pixels (t > 0) of a group, the loss is
    sqrt(var(g) + w mean(g)^2), var unbiased; in the first ``warm_up`` iterations sqrt(w mean(g)^2). Source:
    ``SigLoss`` of facebookresearch/dinov2 (``eval/depth/models/losses/sigloss.py``) and of facebookresearch/dinov3
    (``eval/depth/loss.py``), both after AdaBins.

    Where the sources are nan or have no gradient this is 0 with gradient 0: a group without a valid pixel, and an
    argument of the root that is exactly 0. A single valid pixel has no spread, var is 0.

    >>> SigLoss()(torch.full((2, 1, 1, 2), 2.0), torch.full((2, 1, 1, 2), 1.0))  # 0.3873 ln(2.001 / 1.001)
    tensor(0.2683)
    """

    group_size: int | None = 2
    """Images whose pixels share their statistics; None takes the batch as one group."""

    max_depth: float | None = None
    """Deepest valid target, metres; None sets no limit."""

    warm_up: int = 100
    """Iterations at the start that ignore the spread."""

    mean_weight: float = 0.15
    """w, the same in all sources."""

    epsilon: float = 0.001
    """Metres added before the logarithm, the same in all sources."""

    def __call__(self, prediction: Tensor, target: Tensor, *, iteration: int | None = None) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            prediction: (B, ...) depth in metres, positive.
            target: As the prediction; 0 where there is no depth.
            iteration: Update, from 0, which decides whether this is warm-up; None is past it.

        Raises:
            ValueError: Shapes differ, or there is no image.
        """
        warming_up = iteration is not None and iteration < self.warm_up

        def of_group(error: Tensor, valid: Tensor) -> Tensor:
            count = valid.sum()
            mean = error.sum() / count.clamp(min=1)
            argument = self.mean_weight * mean.square()
            if not warming_up:
                deviation = torch.where(valid, error - mean, 0)
                argument = argument + deviation.square().sum() / (count - 1).clamp(min=1)
            # the root of 0 has no gradient; nan passes through abs
            positive = argument > 0
            return torch.where(positive, torch.where(positive, argument, 1).sqrt(), argument.abs())

        return _mean_over_groups(self, of_group, prediction, target)


@dataclass(frozen=True)
class GradientLoss:
    """Differences of the log error between pixels two apart, at strides 1, 2, 4 and 6.

    With g as in ``SigLoss``, each stride adds the sum of |g[i] - g[i + 2]| over rows and over columns, where both are
    valid, divided by the number of valid pixels at that stride.

    ``axes="spatial"`` takes rows and columns of the image: ``GradientLogLoss`` of facebookresearch/dinov3
    (``eval/depth/loss.py``). ``axes="printed"`` is ``GradientLoss`` of facebookresearch/dinov2
    (``eval/depth/models/losses/gradientloss.py``) to the letter: meant for maps (H, W), it is given (B, 1, H, W), and
    so takes differences between images and between channels. With 2 images it is exactly 0, whatever they show, so
    the DINOv2 protocols may leave it out; with more it compares pixels of different images.
    """

    axes: Literal["spatial", "printed"] = "spatial"
    """Along which axes differences are taken."""

    group_size: int | None = 2
    """Images whose pixels are counted together; None takes the batch as one group."""

    max_depth: float | None = None
    """Deepest valid target, metres; None sets no limit."""

    epsilon: float = 0.001
    """Metres added before the logarithm, the same in all sources."""

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            prediction: (B, 1, H, W) depth in metres, positive.
            target: As the prediction; 0 where there is no depth.

        Raises:
            ValueError: Shapes differ, are not (B, 1, H, W), there is no image, or ``axes`` is unknown.
        """
        if self.axes not in ("spatial", "printed"):
            raise ValueError(f"axes must be 'spatial' or 'printed', received {self.axes!r}")
        if prediction.ndim != 4 or prediction.shape[1] != 1:
            raise ValueError(f"prediction must be (B, 1, H, W), received {tuple(prediction.shape)}")

        def of_group(error: Tensor, valid: Tensor) -> Tensor:
            if self.axes == "printed":
                error, valid = (values.movedim((0, 1), (-2, -1)) for values in (error, valid))
            return torch.stack(
                [_differences(error[..., ::step, ::step], valid[..., ::step, ::step]) for step in (1, 2, 4, 6)]
            ).sum()

        return _mean_over_groups(self, of_group, prediction, target)


def _differences(error: Tensor, valid: Tensor) -> Tensor:
    """Returns the differences along the last two axes over the number of valid pixels."""
    total = error.new_zeros(())
    for axis in (-2, -1):
        pairs = max(error.shape[axis] - 2, 0)
        both = valid.narrow(axis, 0, pairs) & valid.narrow(axis, error.shape[axis] - pairs, pairs)
        steps = (error.narrow(axis, 0, pairs) - error.narrow(axis, error.shape[axis] - pairs, pairs)).abs()
        total = total + torch.where(both, steps, 0).sum()
    return total / valid.sum().clamp(min=1)


def _mean_over_groups(
    loss: SigLoss | GradientLoss, of_group: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, target: Tensor
) -> Tensor:
    """Averages ``of_group(log error, valid)`` over groups of images; the last one may be smaller."""
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} differ in shape; "
            "resize the prediction to the target first"
        )
    if not prediction.numel():
        raise ValueError(f"there is no pixel to score: target is {tuple(target.shape)}")
    if loss.group_size is not None and loss.group_size < 1:
        raise ValueError(f"group_size must be positive or None, received {loss.group_size}")
    valid = target > 0 if loss.max_depth is None else (target > 0) & (target <= loss.max_depth)
    # 1 stands for the pixels that are not scored, so that whatever is predicted there has no say in the gradient
    log_prediction, log_target = (
        (torch.where(valid, depth, 1).to(torch.promote_types(depth.dtype, torch.float32)) + loss.epsilon).log()
        for depth in (prediction, target)
    )
    error = torch.where(valid, log_prediction - log_target, 0)
    size = loss.group_size or len(error)
    return torch.stack([of_group(*group) for group in zip(error.split(size), valid.split(size), strict=True)]).mean()
