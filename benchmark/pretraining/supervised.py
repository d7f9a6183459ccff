"""The supervised objective, after DeiT-III: which classes are in a mixed image?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones import VisionTransformer
from benchmark.distributed import World
from benchmark.pretraining.losses import multi_label_bce
from benchmark.pretraining.optimizer import Trained
from benchmark.pretraining.recipe import Mixing


class SupervisedLearner(nn.Module):
    """A backbone and a linear classifier of its [CLS] token.

    Args:
        vit: Trained in place.
        classes: Number of classes.
        mixing: Mixup and CutMix.
        seed: Seed of the classifier and of what is mixed.
        world: The processes that share a batch.
    """

    def __init__(self, vit: VisionTransformer, classes: int, mixing: Mixing, seed: int, world: World) -> None:
        super().__init__()
        self.vit, self.head = vit, nn.Linear(vit.spec.embed_dim, classes)
        self.mixing, self.seed, self.world = mixing, seed, world
        nn.init.trunc_normal_(self.head.weight, std=0.02, generator=torch.Generator().manual_seed(seed))
        nn.init.zeros_(self.head.bias)

    @property
    def backbone(self) -> VisionTransformer:
        """What checkpoints hold."""
        return self.vit

    def trained(self) -> Iterator[Trained]:
        """Yields all parameters, clipped together as apex's LAMB does (``optimizers/fused_lamb.py``, line 154)."""
        for module in (self.vit, self.head):
            yield from (Trained(name, parameter, "all") for name, parameter in module.named_parameters())

    def forward(self, batch: Sequence[Tensor], step: int) -> dict[str, Tensor]:
        """Returns the loss of images (B, 3, S, S) with labels (B,)."""
        images, labels = batch
        shares = F.one_hot(labels, self.head.out_features).float()
        images, shares = mix(images, shares, self.mixing, self._draws(step))
        cls = self.vit(images)
        with torch.autocast(cls.device.type, enabled=False):  # bfloat16 has steps of 1/32 at 7
            return {"loss": multi_label_bce(self.head(cls.float()), shares)}

    def update(self, step: int) -> None:
        """Has nothing to do after a step."""

    def _draws(self, step: int) -> list[np.random.Generator]:
        """Returns what this process's images take in turn: image ``slot`` of the batch has draw ``slot % draws``."""
        count, world = self.mixing.draws, self.world
        period = count // math.gcd(count, world.size)
        turns = ((world.rank + place * world.size) % count for place in range(period))
        return [np.random.default_rng([self.seed, step, turn]) for turn in turns]


def mix(images: Tensor, shares: Tensor, mixing: Mixing, draws: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor]:
    """Mixes each image with the one half a batch away: Mixup (arXiv 1710.09412) or CutMix (arXiv 1905.04899).

    Half a batch away is the same partner for any number of processes whose double divides it.

    Source: timm 0.3.2 ``data/mixup.py``, lines 30-51, 141-157 and 196-207, where each process draws for its images.

    Args:
        images: (B, 3, H, W).
        shares: (B, C) shares of the classes.
        mixing: How strongly.
        draws: Sources of randomness, one draw from each; the images take them in turn.
    """
    if not mixing.mixes or len(images) < 2:
        return images, shares
    half = len(images) // 2
    others, other_shares = images.roll(half, 0), shares.roll(half, 0)
    mixed, mixed_shares = images.clone(), shares.clone()
    for first, rng in enumerate(draws):
        part = slice(first, None, len(draws))
        mixed[part], share = _mixed(images[part], others[part], mixing, rng)
        mixed_shares[part] = share * shares[part] + (1 - share) * other_shares[part]
    return mixed, mixed_shares


def _mixed(images: Tensor, others: Tensor, mixing: Mixing, rng: np.random.Generator) -> tuple[Tensor, float]:
    """Returns mixed images and the share of each that is its part; where both kinds are wanted, each has a half."""
    chosen = [name for name in ("mixup", "cutmix") if getattr(mixing, name)]
    name = chosen[rng.integers(len(chosen))]
    alpha = getattr(mixing, name)
    share = float(rng.beta(alpha, alpha))
    if name == "mixup":
        return share * images + (1 - share) * others, share
    (height, width), side = images.shape[-2:], math.sqrt(1 - share)
    rows, columns = (_span(int(rng.integers(length)), side * length, length) for length in (height, width))
    images = images.clone()
    images[:, :, rows, columns] = others[:, :, rows, columns]
    return images, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)


def _span(middle: int, side: float, length: int) -> slice:
    half = int(side) // 2
    return slice(max(middle - half, 0), min(middle + half, length))
