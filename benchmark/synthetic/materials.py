"""Procedural textures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.synthetic.geometry import Floats, Vector, column, rotate

TEXTURES = ("plain", "checker", "stripes", "noise", "spots")


@dataclass(frozen=True)
class Material:
    """A procedural texture that blends two colours."""

    texture: str
    """One of ``TEXTURES``."""

    colors: tuple[Vector, Vector]
    """RGB in [0, 1]."""

    cell: float = 0.3
    """Side of a cell of the texture in metres."""

    yaw: float = 0.0
    """Rotation of the texture about the vertical in radians."""

    axis: int = 0
    """Coordinate across the stripes."""

    phase: Vector = (0.013, 0.017, 0.019)
    """Offset in metres; keeps the borders of cells off planes such as y = 0."""

    key: int = 0
    """Seed of the noise lattice."""

    def blend(self, points: Floats, footprint: Floats) -> Floats:
        """Returns the weight (N,) of the second colour, in [0, 1], at points (3, N).

        A texture fades to 0.5 where a pixel, ``footprint`` (N,) metres wide, covers more than one of its cells, for it
        would alias.

        Raises:
            ValueError: An unknown texture.
        """
        return 0.5 + (self._texture(points) - 0.5) * np.clip(self.cell / footprint - 1, 0, 1)

    def color(self, blend: Floats) -> Floats:
        """Returns the colours (3, N) for weights (N,) of the second colour."""
        first, second = (column(color) for color in self.colors)
        return first + (second - first) * blend

    def _texture(self, points: Floats) -> NDArray[np.generic]:
        cells = rotate(points + column(self.phase), -self.yaw) / self.cell
        match self.texture:
            case "plain":
                return np.full(points.shape[1], 0.5)
            case "checker":
                return np.floor(cells).astype(np.intp).sum(0) & 1
            case "stripes":
                return np.floor(cells[self.axis]).astype(np.intp) & 1
            case "noise":
                return (2 * _value_noise(cells, self.key) + _value_noise(3 * cells, self.key)) / 3
            case "spots":
                return _value_noise(1.5 * cells, self.key) > 0.6
        raise ValueError(f"`texture` must be one of {', '.join(TEXTURES)}. Received {self.texture!r}.")


def _value_noise(cells: Floats, key: int, period: int = 8) -> Floats:
    """Trilinear interpolation of a random lattice that repeats after ``period`` cells."""
    lattice = np.random.default_rng(key).random((period, period, period))
    low = np.floor(cells)
    x, y, z = (low.astype(np.intp)[:, None] + np.arange(2)[:, None]) % period  # (2, N) each
    corners = lattice[x[:, None, None], y[:, None], z]  # (2, 2, 2, N)
    for weight in cells - low:
        corners = corners[0] + (corners[1] - corners[0]) * weight
    return corners
