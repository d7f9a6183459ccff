"""The supervised objective, after DeiT-III: which classes are in a mixed image?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones import VisionTransformer
from benchmark.pretraining.losses import multi_label_bce
from benchmark.pretraining.recipe import Mixing


class SupervisedLearner(nn.Module):
    """A backbone and a linear classifier of its [CLS] token.

    Args:
        vit: Trained in place.
        classes: Number of classes.
        mixing: Mixup and CutMix.
        seed: Seed of what is mixed.
    """

    def __init__(self, vit: VisionTransformer, classes: int, mixing: Mixing, seed: int) -> None:
        super().__init__()
        self.vit, self.head = vit, nn.Linear(vit.spec.embed_dim, classes)
        self.mixing, self.seed = mixing, seed
        nn.init.trunc_normal_(self.head.weight, std=0.02, generator=torch.Generator().manual_seed(seed))
        nn.init.zeros_(self.head.bias)

    @property
    def backbone(self) -> VisionTransformer:
        """What checkpoints hold."""
        return self.vit

    def forward(self, batch: Sequence[Tensor], step: int) -> dict[str, Tensor]:
        """Returns the loss of images (B, 3, S, S) with labels (B,)."""
        images, labels = batch
        shares = F.one_hot(labels, self.head.out_features).float()
        images, shares = mix(images, shares, self.mixing, np.random.default_rng([self.seed, step]))
        return {"loss": multi_label_bce(self.head(self.vit(images)), shares)}

    def update(self, step: int) -> None:
        """Has nothing to do after a step."""


def mix(images: Tensor, shares: Tensor, mixing: Mixing, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Mixes each image with the one half a batch away: Mixup (arXiv 1710.09412) or CutMix (arXiv 1905.04899).

    One draw serves the batch. Where both are wanted each has half of the batches, as in timm. Half a batch away is the
    same partner for any number of processes that divides it.

    Args:
        images: (B, 3, H, W).
        shares: (B, C) shares of the classes.
        mixing: How strongly.
        rng: Source of randomness.
    """
    chosen = [name for name in ("mixup", "cutmix") if getattr(mixing, name)]
    if not chosen or len(images) < 2:
        return images, shares
    name = chosen[rng.integers(len(chosen))]
    alpha = getattr(mixing, name)
    kept = float(rng.beta(alpha, alpha))
    others = images.roll(len(images) // 2, 0)
    if name == "mixup":
        images = kept * images + (1 - kept) * others
    else:
        (height, width), side = images.shape[-2:], math.sqrt(1 - kept)
        rows, columns = (_span(int(rng.integers(length)), side * length, length) for length in (height, width))
        images = images.clone()
        images[:, :, rows, columns] = others[:, :, rows, columns]
        kept = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
    return images, kept * shares + (1 - kept) * shares.roll(len(shares) // 2, 0)


def _span(middle: int, side: float, length: int) -> slice:
    half = int(side) // 2
    return slice(max(middle - half, 0), min(middle + half, length))
