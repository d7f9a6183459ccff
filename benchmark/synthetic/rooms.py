"""Random rooms: floor, walls and ceiling, solids that stand apart, and often a painting and a rug."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from benchmark.synthetic.categories import CATEGORIES, INDEX
from benchmark.synthetic.geometry import Floats, Vector
from benchmark.synthetic.materials import TEXTURES, Material
from benchmark.synthetic.rendering import Camera, Rendering, Scene, render
from benchmark.synthetic.surfaces import SOLID_NAMES, Decal, Plane, Solid

_ATTEMPTS = 30


def render_room(seed: int, size: tuple[int, int] = (128, 160)) -> Rendering:
    """Renders random room number ``seed``.

    The category of the largest solid cycles with the seed, so that any four rooms in a row hold every one.

    Args:
        seed: Not negative; the only source of randomness.
        size: Height and width in pixels.
    """
    first = SOLID_NAMES[seed % len(SOLID_NAMES)]
    return render(random_room(np.random.default_rng(seed), size[0] / size[1], first), size)


def random_room(rng: np.random.Generator, aspect: float = 0.8, first: str = "ball") -> Scene:
    """Returns a room with one to five solids in view that do not touch one another.

    Args:
        rng: Source of randomness.
        aspect: Height over width of the image that will be rendered.
        first: Category of the first and largest solid.
    """
    room = _empty_room(rng, aspect)
    solids: list[Solid] = []
    wanted = rng.integers(2, 6)
    for attempt in range(_ATTEMPTS):
        if len(solids) == wanted:
            break
        # They shrink with the attempts, so that a first one fits into any room.
        solid = _random_solid(rng, room, solids, first, shrink=0.95**attempt)
        if solid:
            solids.append(solid)
    decals = [_random_decal(rng, room, name) for name in ("painting", "rug") if rng.random() < 0.75]
    elevation, azimuth = rng.uniform(0.6, 1.1), rng.uniform(-1.1, 1.1)
    return Scene(
        camera=room.camera,
        planes=room.planes,
        decals=tuple(decal for decal in decals if decal),
        solids=tuple(solids),
        light=(np.cos(elevation) * np.sin(azimuth), np.sin(elevation), -np.cos(elevation) * np.cos(azimuth)),
        ambient=rng.uniform(0.4, 0.6),
        noise=rng.uniform(1, 4),
        key=int(rng.integers(2**32)),
    )


@dataclass(frozen=True)
class _EmptyRoom:
    """The sides of a room, as a camera of ``aspect`` (height over width of the image) sees them."""

    camera: Camera
    aspect: float
    planes: tuple[Plane, ...]

    def look_at(self, row: float, column: float) -> tuple[Plane, float, Floats]:
        """Returns the plane seen at a point of the image (fractions of its sides), its depth, and the point (3,)."""
        ray = self.camera.rays_through(row, column, self.aspect)
        depths = [float(plane.intersect(self.camera.position, ray)[0]) for plane in self.planes]
        depth = min(depths)
        return self.planes[depths.index(depth)], depth, (self.camera.position + depth * ray)[:, 0]

    def contains(self, center: Floats, reach: Floats, *, on: Plane) -> bool:
        """Whether a box around ``center`` with half axes ``reach`` (K, 3) crosses no plane but the one it is ``on``."""
        others = (plane for plane in self.planes if plane is not on)
        return all(np.dot(p.normal, center) + abs(reach @ p.normal).sum() < p.offset for p in others)


def _empty_room(rng: np.random.Generator, aspect: float) -> _EmptyRoom:
    """Draws the camera, the floor, the back wall, the ceiling and, in half of the rooms, a side wall."""
    yaw, distance, focal = rng.uniform(-0.35, 0.35), rng.uniform(3.2, 6.5), rng.uniform(0.85, 1.1)
    sin, cos = float(np.sin(yaw)), float(np.cos(yaw))
    # Pitch and ceiling follow from the rows at which the back wall shall begin and end.
    height = distance * rng.uniform(0.2, 0.32)
    foot, top = ((rng.uniform(*rows) - 0.5) * aspect / focal for rows in ((0.42, 0.62), (-0.05, 0.12)))
    pitch = float(np.arctan(height / distance) - np.arctan(foot))
    ceiling = float(max(height - distance * np.tan(pitch + np.arctan(top)), height + 0.6, 1.9))
    wall = _random_material(rng, "wall", rng.uniform(0.15, 0.6), yaw)
    planes = [
        Plane("floor", _random_material(rng, "floor", rng.uniform(0.2, 0.6), yaw), (0, -1, 0), 0),
        Plane("wall", wall, (sin, 0, cos), distance),
        Plane("other", _random_material(rng, "other", 0.5, yaw), (0, 1, 0), ceiling),
    ]
    if rng.random() < 0.5:
        side = int(rng.choice([-1, 1]))
        planes.append(Plane("wall", wall, (side * cos, 0, -side * sin), rng.uniform(1.3, 2.6)))
    return _EmptyRoom(Camera(height, pitch, focal), aspect, tuple(planes))


def _random_solid(
    rng: np.random.Generator, room: _EmptyRoom, others: list[Solid], first: str, shrink: float
) -> Solid | None:
    """Tries one position in view; returns nothing where the solid would touch another or a wall."""
    plane, depth, center = room.look_at(rng.uniform(0.45, 0.85), rng.uniform(0.1, 0.9))
    share = rng.uniform(0.06, 0.13) if others else rng.uniform(0.12, 0.18)
    radius = min(shrink * share * depth / room.camera.focal, 0.7)
    on_floor = plane.category == "floor" and depth - radius >= 0.9
    if not on_floor or not room.contains(center, np.diag((radius, 0, radius)), on=plane):
        return None
    x, _, z = center.tolist()
    if any(np.hypot(x - o.x, z - o.z) < radius + np.hypot(o.half[0], o.half[2]) for o in others):
        return None
    category = str(rng.choice(SOLID_NAMES)) if others else first
    wide, high, deep = rng.uniform((0.55, 0.6, 0.55), (0.7, 1.3, 0.7))
    tent = (1.3 * wide, high, 1.3 * wide)
    extents = {"ball": (1, 1, 1), "box": (wide, high, deep), "barrel": (wide, high, wide), "tent": tent}
    half = _vector(radius * np.array(extents[category]))
    yaw, cell = rng.uniform(-np.pi, np.pi), radius * rng.uniform(0.3, 0.7)
    return Solid(category, _random_material(rng, category, cell, yaw), x, z, half, yaw)


def _random_decal(rng: np.random.Generator, room: _EmptyRoom, category: str) -> Decal | None:
    """Tries ten positions in view for a rug on the floor or a painting on a wall."""
    rug = category == "rug"
    for _ in range(10):
        row = rng.uniform(0.55, 0.9) if rug else rng.uniform(0.08, 0.4)
        plane, depth, center = room.look_at(row, rng.uniform(0.1, 0.9))
        yaw = rng.uniform(-np.pi, np.pi) if rug else float(np.arctan2(plane.normal[0], plane.normal[2]))
        along = np.array((np.cos(yaw), 0, -np.sin(yaw)))
        across = np.array((np.sin(yaw), 0, np.cos(yaw)) if rug else (0, 1, 0))
        share = rng.uniform(0.12, 0.28) if rug else rng.uniform(0.06, 0.14)
        half = share * depth / room.camera.focal * np.array((1, rng.uniform(0.6, 1)))
        fits = room.contains(center, half[:, None] * np.stack([along, across]), on=plane)
        if fits and plane.category == ("floor" if rug else "wall"):
            material = _random_material(rng, category, half.min() * rng.uniform(0.25, 0.6), yaw)
            axes, sides = (_vector(along), _vector(across)), (float(half[0]), float(half[1]))
            return Decal(category, material, plane, _vector(center), axes, sides)
    return None


def _random_material(rng: np.random.Generator, category: str, cell: float, yaw: float) -> Material:
    """Draws a texture and two colours with the preferences of the category."""
    preferred = CATEGORIES[INDEX[category]]
    others = [texture for texture in TEXTURES if texture != preferred.texture]
    texture = preferred.texture if rng.random() < 0.6 else str(rng.choice(others))
    saturation, step = (0.35, 0.6) if preferred.muted else (1.0, 1.0)
    hue, value = preferred.hue + rng.normal(0, 0.15), rng.uniform(0.4, 1.0)
    contrast = rng.uniform(0.2, 0.45) * step * (-1 if value > 0.6 else 1)
    first = colorsys.hsv_to_rgb(hue % 1, saturation * rng.uniform(0.3, 0.9), value)
    second = colorsys.hsv_to_rgb((hue + rng.normal(0, 0.12)) % 1, saturation * rng.uniform(0.3, 0.9), value + contrast)
    phase = _vector(rng.uniform(0, 1, 3))
    return Material(texture, (first, second), cell, yaw, int(rng.choice([0, 2])), phase, int(rng.integers(2**32)))


def _vector(values: Floats) -> Vector:
    x, y, z = values.tolist()
    return x, y, z
