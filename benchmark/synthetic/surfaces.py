"""What a ray can meet: the sides of a room, flat pictures on them, and solids on the floor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from benchmark.synthetic.geometry import BOX, CONE, CYLINDER, SPHERE, Floats, Vector, column, dot, rotate
from benchmark.synthetic.materials import Material

_SHAPES = {"ball": SPHERE, "box": BOX, "barrel": CYLINDER, "tent": CONE}
SOLID_NAMES = tuple(_SHAPES)
"""Categories of which solids can be."""

_FRAME = 0.88  # where the plain border of a decal begins


@dataclass(frozen=True)
class Surface(ABC):
    """A surface of one category and material."""

    category: str
    """Name of one of ``CATEGORIES``."""

    material: Material

    @abstractmethod
    def intersect(self, origin: Floats, rays: Floats) -> Floats:
        """Returns the distances (N,) along rays (3, N) from ``origin`` (3, 1 or N), infinite where they miss."""

    @abstractmethod
    def normals(self, points: Floats) -> Floats:
        """Returns the unit normals (3, N), towards the inside of the room, at points on the surface."""

    def albedo(self, points: Floats, footprint: Floats) -> Floats:
        """Returns the colours (3, N) at points on the surface; ``footprint`` is the extent of a pixel in metres."""
        return self.material.color(self.material.blend(points, footprint))


@dataclass(frozen=True)
class Plane(Surface):
    """A side of the room; points inside have ``normal @ point < offset``."""

    normal: Vector
    offset: float

    def intersect(self, origin: Floats, rays: Floats) -> Floats:
        """Returns the distances (N,) to the plane; it is as wide as the room."""
        normal = column(self.normal)
        with np.errstate(divide="ignore"):
            t = (self.offset - dot(normal, origin)) / dot(normal, rays)
        return np.where(t > 0, t, np.inf)

    def normals(self, points: Floats) -> Floats:
        """Returns the same normal (3, N) at every point."""
        return np.broadcast_to(-column(self.normal), points.shape)


@dataclass(frozen=True)
class Decal(Surface):
    """A flat rectangle on a plane, such as a painting, ``half`` as long as its sides along the unit ``axes``."""

    plane: Plane
    center: Vector
    axes: tuple[Vector, Vector]
    half: tuple[float, float]

    def intersect(self, origin: Floats, rays: Floats) -> Floats:
        """Returns the distances (N,) to the plane, infinite outside of the rectangle."""
        t = self.plane.intersect(origin, rays)
        with np.errstate(invalid="ignore"):
            return np.where(self._distance(origin + t * rays) <= 1, t, np.inf)

    def normals(self, points: Floats) -> Floats:
        """Returns the plane's normals (3, N)."""
        return self.plane.normals(points)

    def albedo(self, points: Floats, footprint: Floats) -> Floats:
        """Returns the colours (3, N), with a plain border in the second of them."""
        blend = self.material.blend(points, footprint)
        return self.material.color(np.where(self._distance(points) > _FRAME, 1, blend))

    def _distance(self, points: Floats) -> Floats:
        """Chebyshev distance from the centre, 1 at the edge."""
        offset = points - column(self.center)
        u, v = (abs(dot(column(axis), offset)) / half for axis, half in zip(self.axes, self.half, strict=True))
        return np.maximum(u, v)


@dataclass(frozen=True)
class Solid(Surface):
    """A ball, box, barrel (cylinder) or tent (cone) standing on the floor at ``x``, ``z``.

    ``half`` is half the extent along the solid's own axes, which are rotated by ``yaw`` about the vertical.
    """

    x: float
    z: float
    half: Vector
    yaw: float = 0.0

    def intersect(self, origin: Floats, rays: Floats) -> Floats:
        """Returns the distances (N,) to the nearest side of the solid."""
        # The map to the unit frame is affine, so distances along a ray keep their value.
        directions = rotate(rays, -self.yaw) / column(self.half)
        with np.errstate(divide="ignore", invalid="ignore"):
            return _SHAPES[self.category].intersect(self._to_unit(origin), directions)

    def normals(self, points: Floats) -> Floats:
        """Returns the outward unit normals (3, N)."""
        normals = rotate(_SHAPES[self.category].normals(self._to_unit(points)) / column(self.half), self.yaw)
        return normals / np.sqrt(dot(normals, normals))

    def _to_unit(self, points: Floats) -> Floats:
        """Maps points to the frame in which the solid fills [-1, 1] in each coordinate."""
        return rotate(points - column((self.x, self.half[1], self.z)), -self.yaw) / column(self.half)
