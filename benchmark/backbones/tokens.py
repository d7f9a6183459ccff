"""What a backbone returns for a batch of images."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Tokens:
    """Tokens of one layer for B images on an h x w patch grid."""

    cls: Tensor
    """(B, D), the [CLS] token."""

    registers: Tensor
    """(B, R, D), the register tokens; R may be 0."""

    patches: Tensor
    """(B, h*w, D), the patch tokens, row by row."""

    grid: tuple[int, int]
    """(h, w), patch rows and columns."""

    def feature_map(self) -> Tensor:
        """Returns the patches as a (B, D, h, w) map."""
        return self.patches.transpose(1, 2).unflatten(2, self.grid)
