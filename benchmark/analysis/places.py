"""Where tokens are looked at: the points of a block, in the order in which a token meets them.

    input ─ norm1 ─ attn ─ ls1 ─ (+) residual ─ norm2 ─ mlp ─ ls2 ─ (+) output

A place is named after the layer it follows. Source: arXiv 2602.08626, figures 2, 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

PLACES = ("input", "norm1", "attn", "ls1", "residual", "norm2", "mlp", "ls2", "output")
"""``input`` and ``output`` are those of the block; ``residual`` follows the first addition."""

MEAN_OVER_BLOCKS = "mean"
"""Stands for a block index in tables: each image's mean over blocks."""


@dataclass(frozen=True)
class SubLayer:
    """A layer of a block, with the places right before and after it."""

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


def stages(depth: int) -> tuple[int, ...]:
    """Returns the last block of each third: early, middle, late. 7, 15 and 23 of 24 (figure 4); fewer in a tiny model.

    >>> stages(24), stages(12), stages(2)
    ((7, 15, 23), (3, 7, 11), (0, 1))
    """
    return tuple(sorted({max(round(depth * third / 3), 1) - 1 for third in (1, 2, 3)}))
