"""Stochastic depth, for training."""

from __future__ import annotations

from torch import Tensor, nn


class DropPath(nn.Module):
    """Drops the residual branch of whole images in training and scales up the others.

    Source: "Deep Networks with Stochastic Depth" (arXiv 1603.09382).

    Args:
        rate: Share of images dropped.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        if not self.training or not self.rate:
            return branch
        kept = branch.new_empty(len(branch), 1, 1).bernoulli_(1 - self.rate)
        return branch * kept / (1 - self.rate)
