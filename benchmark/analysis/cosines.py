"""How alike the tokens of an image are: the two cosines of arXiv 2602.08626."""

from __future__ import annotations

import torch
from torch import Tensor

# Keeps a token of zeros from dividing by zero; its cosine to anything is then 0, as in torch's cosine_similarity.
_LEAST_NORM = 1e-12


def token_cosines(cls: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the mean cosine of [CLS] with the patches, and that of pairs of different patches, of each image.

    Registers count as neither. No N x N matrix is made: with unit vectors u, the cosines of all ordered pairs sum to
    ``|sum u|^2``, to which each pair of a patch with itself adds 1, or 0 if the patch is zero.

    Args:
        cls: (B, D).
        patches: (B, N, D), N at least 2.

    Returns:
        CLS-patch and patch-patch, (B,) float64 each, in [-1, 1].
    """
    count = patches.shape[1]
    lengths = torch.linalg.vector_norm(patches, dim=-1)
    # The sum of the unit vectors as a product, so that they are never held in memory.
    total = torch.bmm(lengths.clamp_min(_LEAST_NORM).reciprocal().unsqueeze(1), patches).squeeze(1).double()
    unit = cls.double()
    unit = unit / torch.linalg.vector_norm(unit, dim=-1, keepdim=True).clamp_min(_LEAST_NORM)
    cls_patch = (unit * total).sum(-1) / count
    with_itself = (lengths > _LEAST_NORM).sum(-1)
    patch_patch = (total.square().sum(-1) - with_itself) / (count * (count - 1))
    return cls_patch, patch_patch
