"""Rotary position embedding of DINOv3: axial, on patch tokens only, for any grid.

Source: facebookresearch/dinov3 ``layers/rope_position_encoding.py`` and ``layers/attention.py``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

DINOV3_BASE = 100.0


def rotary_periods(head_width: int, base: float = DINOV3_BASE) -> Tensor:
    """Returns the (head_width / 4,) periods ``base ** (2 i / (head_width / 2))``."""
    return base ** (2 * torch.arange(head_width // 4, dtype=torch.float32) / (head_width // 2))


class RotaryEmbedding(nn.Module):
    """Holds the periods and makes the sines and cosines of a grid.

    Args:
        head_width: Channels of one head, a multiple of 4.
        dtype: In which angles are computed and queries and keys rotated. DINOv3 trains in bfloat16 and its hub
            entry points use float32.
    """

    periods: Tensor

    def __init__(self, head_width: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("periods", rotary_periods(head_width))

    def forward(self, grid: tuple[int, int], prefix: int) -> tuple[Tensor, Tensor]:
        """Computes the rotation of every token.

        Args:
            grid: (h, w), patch rows and columns.
            prefix: Tokens before the patches; they are not rotated.

        Returns:
            Sine and cosine, (prefix + h*w, head_width) each.
        """
        axes = [
            2 * torch.arange(0.5, size, dtype=self.dtype, device=self.periods.device) / size - 1 for size in grid
        ]  # patch centres in [-1, 1], each axis by its own length
        centres = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 1)
        angles = 2 * math.pi * centres[:, :, None] / self.periods.to(self.dtype)
        angles = angles.flatten(1).tile(2)
        still = angles.new_zeros(prefix, angles.shape[1])
        return torch.cat((still, angles.sin())), torch.cat((still + 1, angles.cos()))


def rotate(heads: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    """Rotates (B, H, T, d) queries or keys; channel i turns together with channel i + d/2.

    It is computed in the dtype of ``sine`` and returned in the dtype of ``heads``.
    """
    turned = heads.to(sine.dtype)
    first, second = turned.chunk(2, dim=-1)
    return (turned * cosine + torch.cat((-second, first), dim=-1) * sine).to(heads.dtype)
