"""Losses of pre-training, as pure functions. B images, K prototypes, M hidden patches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.distributed import World
from benchmark.pretraining.parallel import highest, summed


def multi_label_bce(logits: Tensor, shares: Tensor) -> Tensor:
    """Returns the mean binary cross-entropy over images and classes; every class with a share in an image counts whole.

    Source: facebookresearch/deit ``engine.py``, ``--bce-loss``.

    Args:
        logits: (B, C).
        shares: (B, C) shares of the classes in mixed images.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), (shares > 0).float())


def cross_entropy(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Returns ``-sum(teacher * log_softmax(student / temperature))`` over the last dimension."""
    return -(teacher * (student.float() / temperature).log_softmax(-1)).sum(-1)


def dino_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Returns the mean cross-entropy over images and all pairs of a student's and a teacher's view but the same one.

    Source: facebookresearch/dinov2 ``train/ssl_meta_arch.py``, where global and local terms are divided by the number
    of all pairs.

    Args:
        student: (V, B, K) logits; the first of the V views are the teacher's G.
        teacher: (G, B, K) probabilities.
        temperature: The student's.
    """
    pairs = cross_entropy(student[:, None], teacher[None], temperature).mean(-1)
    return pairs[~torch.eye(*pairs.shape, dtype=torch.bool, device=pairs.device)].mean()


def ibot_loss(student: Tensor, teacher: Tensor, masks: Tensor, temperature: float) -> Tensor:
    """Returns the mean over images of the mean cross-entropy over their hidden patches, 0 in images without any.

    Source: facebookresearch/dinov2 ``loss/ibot_patch_loss.py``, ``forward_masked``.

    Args:
        student: (M, K) logits of the hidden patches, in the order of ``masks``.
        teacher: (M, K) probabilities.
        masks: (B, N) whether a patch is hidden.
        temperature: The student's.
    """
    weights = (1 / masks.sum(-1, keepdim=True).clamp(min=1)).expand(masks.shape)[masks]
    return (cross_entropy(student, teacher, temperature) * weights).sum() / len(masks)


def koleo_loss(features: Tensor) -> Tensor:
    """Returns ``-mean(log(distance to the nearest other))`` of features (B, D) on the unit sphere; 0 for one alone.

    Source: facebookresearch/dinov2 ``loss/koleo_loss.py``; as there, neighbours are looked for within one process.
    """
    if len(features) < 2:
        return features.sum() * 0
    directions = F.normalize(features.float(), dim=-1, eps=1e-8)
    # Autocast would make the products bfloat16, in which all that is near is equally near.
    with torch.no_grad(), torch.autocast(directions.device.type, enabled=False):
        nearest = (directions @ directions.T).fill_diagonal_(-1).argmax(1)
    return -(F.pairwise_distance(directions, directions[nearest], eps=1e-8) + 1e-8).log().mean()


def centred(logits: Tensor, center: Tensor, temperature: float) -> Tensor:
    """Returns ``softmax((logits - center) / temperature)``."""
    return ((logits.float() - center) / temperature).softmax(-1)


def moved_center(center: Tensor, logits: Tensor, momentum: float, world: World) -> Tensor:
    """Returns the moving average of the mean row of (n, K) logits over all processes; unchanged if there is none."""
    total = summed(torch.cat((logits.float().sum(0), center.new_tensor([len(logits)]))), world)
    count = total[-1]
    return torch.where(count > 0, center * momentum + total[:-1] / count.clamp(min=1) * (1 - momentum), center)


def sinkhorn(logits: Tensor, temperature: float, world: World, iterations: int = 3) -> Tensor:
    """Returns assignments (n, K) whose rows sum to 1 and which use all prototypes about equally.

    Source: facebookresearch/dinov2 ``loss/dino_clstoken_loss.py``, ``sinkhorn_knopp_teacher``.
    """
    # With the largest taken off, exp cannot overflow, and a factor common to all changes nothing.
    weights = ((logits.float() - highest(logits, world)) / temperature).exp()
    least = torch.finfo(weights.dtype).tiny  # a prototype far from everything has a sum of 1e-20 and still counts
    for _ in range(iterations):
        weights = weights / summed(weights.sum(0), world).clamp(min=least)
        weights = weights / weights.sum(-1, keepdim=True)
    return weights
