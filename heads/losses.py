"""Losses on upsampled predictions that never hold the upsampled prediction."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from heads.interpolate import bilinear_matrix

# Pixels x classes of one strip. A smaller strip stays in a CPU's cache and is faster on idle cores (1 << 20: by a
# third), but each of its kernels waits for all threads, which costs far more where the cores are shared. On a GPU a
# strip should be large enough to hide the launch of its kernels.
_STRIP_ELEMENTS = {"cpu": 1 << 22, "cuda": 1 << 26}


def upsampled_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    ignore_index: int = 255,
    average: Literal["all", "labelled"] = "all",
) -> Tensor:
    """Cross-entropy of bilinearly upsampled logits, strip by strip.

    Equals ``cross_entropy(interpolate(logits, size=labels.shape[-2:], mode="bilinear"), labels)`` and its
    gradient to rounding. The stock way holds the full-size logits, their log-softmax and both gradients: at
    16 x 150 x 512 x 512 in float32 that is 2.5 GB each. Bilinear upsampling is linear and acts on rows and
    columns apart, so a strip of output rows is made, scored and differentiated, its gradient is carried back
    to the few token rows it came from, and it is forgotten.

    Args:
        logits: (B, C, h, w), floating point, at token resolution.
        labels: (B, H, W), integer class ids, or ``ignore_index``.
        ignore_index: Label of the pixels that are not scored.
        average: ``"all"`` divides the summed loss by every pixel, ignored ones too (mmsegmentation's and
            DINOv2's default); ``"labelled"`` by the scored pixels only.

    Returns:
        The loss, a scalar. With ``"labelled"`` and no labelled pixel it is nan, as PyTorch's is.

    Raises:
        ValueError: Wrong number of dimensions, differing batch sizes, unknown ``average``, or a label that is
            neither a class nor ``ignore_index``.
    """
    if logits.ndim != 4 or labels.ndim != 3 or len(logits) != len(labels):
        raise ValueError(
            "logits must be (B, C, h, w) and labels (B, H, W) of the same batch; received "
            f"{tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    if average not in ("all", "labelled"):
        raise ValueError(f"average must be 'all' or 'labelled', received {average!r}")
    if not labels.numel():
        raise ValueError(f"there is no pixel to score: labels are {tuple(labels.shape)}")
    labelled = labels[labels != ignore_index]
    if labelled.numel() and not 0 <= int(labelled.min()) <= int(labelled.max()) < logits.shape[1]:
        raise ValueError(
            f"labels must lie in [0, {logits.shape[1]}) or equal {ignore_index}; "
            f"found {int(labelled.min())} to {int(labelled.max())}"
        )
    scale = 1.0 / labels.numel() if average == "all" else 1.0 / labelled.numel() if labelled.numel() else float("nan")
    with torch.autocast(logits.device.type, enabled=False):  # half precision would lose the small gradients
        wide_enough = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        return _UpsampledCrossEntropy.apply(wide_enough, labels, ignore_index, scale)


class _UpsampledCrossEntropy(torch.autograd.Function):
    """Computes the loss and, in the same sweep, its gradient: the softmax is at hand only then."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, ignore_index: int, scale: float) -> Tensor:
        batch, classes, height, width = logits.shape
        rows_out, columns_out = labels.shape[1:]
        to_rows = bilinear_matrix(height, rows_out, dtype=logits.dtype)  # on the CPU, where its zeros are looked at
        to_columns = bilinear_matrix(width, columns_out, dtype=logits.dtype, device=logits.device)
        wants_gradient = ctx.needs_input_grad[0]

        # (B, h, C, W): widened once, so that a strip is one small product over its token rows.
        wide = (logits.permute(0, 2, 1, 3) @ to_columns.T).contiguous()
        wide_gradient = torch.zeros_like(wide) if wants_gradient else None
        total = torch.zeros((), dtype=torch.float64, device=logits.device)
        strip = max(1, _STRIP_ELEMENTS.get(logits.device.type, 1 << 22) // (classes * columns_out))
        for image in range(batch):
            for top in range(0, rows_out, strip):
                weights = to_rows[top : top + strip]
                used = weights.any(0).nonzero()
                first, last = int(used[0]), int(used[-1]) + 1
                weights = weights[:, first:last].to(logits.device)
                target = labels[image, top : top + strip].long().unsqueeze(1)  # (s, 1, W)
                scored = target != ignore_index
                target = torch.where(scored, target, 0)

                rows = wide[image, first:last].flatten(1)  # (t, C*W)
                scores = (weights @ rows).view(-1, classes, columns_out)
                scores -= scores.amax(1, keepdim=True)
                picked = scores.gather(1, target)
                scores.exp_()
                partition = scores.sum(1, keepdim=True)
                losses = torch.where(scored, partition.log() - picked, 0)
                total += losses.sum(dtype=torch.float64)
                if wide_gradient is not None:
                    pixel_scale = scored.to(scores.dtype) * scale
                    scores *= pixel_scale / partition
                    scores.scatter_add_(1, target, -pixel_scale)
                    wide_gradient[image, first:last] += (weights.T @ scores.flatten(1)).view(-1, classes, columns_out)
        if wide_gradient is not None:
            ctx.save_for_backward((wide_gradient @ to_columns).permute(0, 2, 1, 3))
        return (total * scale).to(logits.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (saved,) = ctx.saved_tensors
        return saved * gradient, None, None, None
