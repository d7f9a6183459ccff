"""The points of a transformer block at which tokens are measured, in the order in which a token passes them.

    input ─ norm1 ─ attn ─ ls1 ─ (+) residual ─ norm2 ─ mlp ─ ls2 ─ (+) output

A point is named after the layer that it follows. Source: arXiv 2602.08626, figures 2, 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK_POINTS = ("input", "norm1", "attn", "ls1", "residual", "norm2", "mlp", "ls2", "output")
"""``input`` and ``output`` are those of the block; ``residual`` follows the first addition."""

MEAN_OVER_BLOCKS = "mean"
"""Stands for a block index in tables: each image's mean over blocks."""


@dataclass(frozen=True)
class SubLayer:
    """A layer of a block, with the points right before and after it."""

    name: str
    before: str
    after: str
    title: str
    """As figures call it."""


SUB_LAYERS = (
    SubLayer("norm1", "input", "norm1", "LayerNorm 1"),
    SubLayer("attn", "norm1", "attn", "attention"),
    SubLayer("ls1", "attn", "ls1", "LayerScale 1"),
    SubLayer("norm2", "residual", "norm2", "LayerNorm 2"),
    SubLayer("mlp", "norm2", "mlp", "MLP"),
    SubLayer("ls2", "mlp", "ls2", "LayerScale 2"),
)


def early_middle_late(depth: int) -> tuple[int, ...]:
    """Returns the last block of each third: 7, 15 and 23 of 24 (figure 4); fewer than three in a tiny model.

    >>> early_middle_late(24), early_middle_late(12), early_middle_late(2)
    ((7, 15, 23), (3, 7, 11), (0, 1))
    """
    return tuple(sorted({max(round(depth * third / 3), 1) - 1 for third in (1, 2, 3)}))
