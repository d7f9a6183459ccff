"""Vectors, and where rays meet a sphere, a box, a cylinder and a cone that fill [-1, 1] in each coordinate.

Points and directions are (3, N), distances along rays (N,) in lengths of the direction, infinite where nothing is met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]


class Shape(NamedTuple):
    """A shape in its unit frame."""

    intersect: Callable[[Floats, Floats], Floats]
    """From origins and directions to distances."""

    normals: Callable[[Floats], Floats]
    """From points on the shape to outward normals (3, N) of any length."""


def column(vector: ArrayLike) -> Floats:
    """Returns a vector as (3, 1)."""
    return np.reshape(np.asarray(vector, np.float64), (3, 1))


def dot(a: Floats, b: Floats) -> Floats:
    """Returns the scalar products (N,)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def rotate(vectors: Floats, yaw: float) -> Floats:
    """Rotates about the vertical, from z towards x, by ``yaw`` radians."""
    sin, cos = np.sin(yaw), np.cos(yaw)
    return np.stack([cos * vectors[0] + sin * vectors[2], vectors[1], cos * vectors[2] - sin * vectors[0]])


def _nearest(*candidates: tuple[Floats, Floats | NDArray[np.bool_]]) -> Floats:
    """Returns the smallest positive distance among (distance, is valid) pairs; NaN is never valid."""
    nearest = np.full(1, np.inf)
    for t, valid in candidates:
        nearest = np.where(valid & (t > 0) & (t < nearest), t, nearest)
    return nearest


def _quadric(o: Floats, d: Floats, weights: Vector, level: float) -> tuple[Floats, Floats]:
    """Returns both t at which ``weights @ (o + t d)**2 == level``, NaN where there is none."""
    weighted = column(weights) * d
    a, b, c = dot(weighted, d), dot(weighted, o), dot(column(weights) * o, o) - level
    root = np.sqrt(b * b - a * c)
    return (-b - root) / a, (-b + root) / a


def _disc(o: Floats, d: Floats, y: float) -> tuple[Floats, NDArray[np.bool_]]:
    t = (y - o[1]) / d[1]
    return t, (o[0] + t * d[0]) ** 2 + (o[2] + t * d[2]) ** 2 <= 1


def _sphere(o: Floats, d: Floats) -> Floats:
    return _nearest(*((t, np.isfinite(t)) for t in _quadric(o, d, (1, 1, 1), 1)))


def _box(o: Floats, d: Floats) -> Floats:
    low, high = (-1 - o) / d, (1 - o) / d
    enter, leave = np.minimum(low, high).max(0), np.maximum(low, high).min(0)
    return _nearest((enter, enter <= leave), (leave, enter <= leave))


def _cylinder(o: Floats, d: Floats) -> Floats:
    side = _quadric(o, d, (1, 0, 1), 1)
    return _nearest(*((t, abs(o[1] + t * d[1]) <= 1) for t in side), _disc(o, d, -1), _disc(o, d, 1))


def _cone(o: Floats, d: Floats) -> Floats:
    # x^2 + z^2 = w^2 with w = (1 - y) / 2, which also has a mirror image above the tip.
    side = _quadric(np.stack([o[0], (1 - o[1]) / 2, o[2]]), np.stack([d[0], -d[1] / 2, d[2]]), (1, -1, 1), 0)
    return _nearest(*((t, abs(o[1] + t * d[1]) <= 1) for t in side), _disc(o, d, -1))


def _cylinder_normals(points: Floats) -> Floats:
    x, y, z = points
    top = y > 1 - 1e-9
    return np.stack([np.where(top, 0, x), np.where(top, 1, 0), np.where(top, 0, z)])


# The undersides of cylinder and cone stand on the floor, so no point of them is ever seen.
SPHERE = Shape(_sphere, lambda points: points)
BOX = Shape(_box, lambda points: np.where(abs(points) == abs(points).max(0), np.sign(points), 0))
CYLINDER = Shape(_cylinder, _cylinder_normals)
CONE = Shape(_cone, lambda points: np.stack([points[0], (1 - points[1]) / 4, points[2]]))
