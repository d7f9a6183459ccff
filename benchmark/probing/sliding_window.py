"""Sliding-window inference as one linear map per axis.

The stock way (mmsegmentation's ``EncoderDecoder.slide_inference`` and ``postprocess_result``) upsamples the logits of
each window to pixels, adds them up on a canvas, divides by the number of windows over each pixel and resizes the
canvas to the label. Windows stand on a grid and bilinear resizing is separable, so all of it together is

    scores = A_rows @ logits @ A_columns.T

with ``logits`` the token-resolution logits of all windows side by side. Labels come out strip by strip; the C x H x W
volume (210 MB at 150 x 512 x 683) is never held.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.protocols.windows import window_starts
from heads.interpolate import bilinear_matrix

# Scores of one strip (see heads/losses.py).
_STRIP_ELEMENTS = {"cpu": 1 << 22, "cuda": 1 << 26}


@dataclass(frozen=True)
class Windows:
    """How an image is covered and what its patches are."""

    window: int
    """Window side, pixels."""

    stride: int
    """Distance between windows, pixels."""

    patch_size: int
    """Patch side, pixels; windows are padded evenly on both sides to whole patches."""

    crop_padding: bool = False
    """Whether logits of the padded window are cut to the window, or squeezed into it (DINOv2 and DINOv3)."""

    def starts(self, length: int) -> list[int]:
        """Returns where windows begin on an axis of ``length`` pixels; the last is pushed back inside."""
        return window_starts(length, self.window, self.stride)

    def tokens(self, length: int) -> int:
        """Returns the patches along one window of an axis of ``length`` pixels."""
        return -(-min(self.window, length) // self.patch_size)

    def cut(self, image: Tensor) -> Tensor:
        """Cuts an image (3, H, W) into windows (rows * columns, 3, h, w), row by row."""
        height, width = image.shape[-2:]
        return torch.stack(
            [
                image[:, top : top + self.window, left : left + self.window]
                for top in self.starts(height)
                for left in self.starts(width)
            ]
        )

    def axis_map(self, length: int, length_out: int) -> Tensor:
        """Returns A of one axis, float64 (length_out, windows * tokens).

        Args:
            length: Pixels of the image the windows slide over.
            length_out: Pixels of the label.
        """
        tokens, size = self.tokens(length), min(self.window, length)
        if self.crop_padding:
            padded = tokens * self.patch_size
            before = (padded - size) // 2
            upsample = bilinear_matrix(tokens, padded, dtype=torch.float64)[before : before + size]
        else:
            upsample = bilinear_matrix(tokens, size, dtype=torch.float64)
        starts = self.starts(length)
        canvas = torch.zeros(length, len(starts) * tokens, dtype=torch.float64)
        covered = torch.zeros(length, 1, dtype=torch.float64)
        for index, start in enumerate(starts):
            canvas[start : start + size, index * tokens : (index + 1) * tokens] = upsample
            covered[start : start + size] += 1
        return bilinear_matrix(length, length_out, dtype=torch.float64) @ (canvas / covered)


@dataclass(frozen=True)
class WindowAssembly:
    """Puts window logits of one image together at label resolution."""

    rows: Tensor
    """A of the vertical axis, (H, window rows * h)."""

    columns: Tensor
    """A of the horizontal axis, (W, window columns * w)."""

    grid: tuple[int, int]
    """Window rows and columns."""

    @classmethod
    def of(
        cls, windows: Windows, size: tuple[int, int], size_out: tuple[int, int], device: torch.device
    ) -> WindowAssembly:
        """Prepares the maps from an image of ``size`` (H, W) to labels of ``size_out``."""
        rows, columns = (
            windows.axis_map(length, length_out).to(device, torch.float32)
            for length, length_out in zip(size, size_out, strict=True)
        )
        return cls(rows, columns, (len(windows.starts(size[0])), len(windows.starts(size[1]))))

    def scores(self, logits: Tensor) -> Tensor:
        """Maps window logits (rows * columns, C, h, w) to scores (C, H, W)."""
        return self.rows @ self._side_by_side(logits) @ self.columns.T

    def labels(self, logits: Tensor) -> Tensor:
        """Returns the class of highest score at each pixel, (H, W) int64, without holding all scores."""
        wide = (self._side_by_side(logits) @ self.columns.T).permute(1, 0, 2)  # (tokens, C, W)
        classes, width = wide.shape[1:]
        wide = wide.flatten(1)
        strip = max(1, _STRIP_ELEMENTS.get(logits.device.type, 1 << 22) // (classes * width))
        found = [(rows @ wide).view(-1, classes, width).argmax(1) for rows in self.rows.split(strip)]
        return torch.cat(found)

    def _side_by_side(self, logits: Tensor) -> Tensor:
        """(rows * columns, C, h, w) to (C, rows * h, columns * w)."""
        return logits.unflatten(0, self.grid).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
