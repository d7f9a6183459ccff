"""Small rendered rooms with exact labels: the data used when no real dataset is at hand.

A pinhole camera looks into a room (floor, one or two walls, often a strip of ceiling). Solids stand on the
floor, a painting may hang on a wall and a rug may lie on the floor. Every pixel takes the nearest
intersection of the ray through its centre, without anti-aliasing, so its category, instance and depth are
those of one point.

    scene = render_scene(0)                     # a random room, the same for the same seed
    scene = render_world(world, size=(64, 80))  # a room of your own

Axes: x right, y up, z forward, in metres; the camera is at (0, height, 0). Colours and textures are drawn per
surface with a mild preference per category: a probe has something to learn, but colour alone does not tell.

Known trade-off (accepted): a texture fades where a pixel covers more than one of its cells; it would alias.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

TEXTURES = ("plain", "checker", "stripes", "noise", "spots")
_EXPOSURE = 1.2  # few surfaces face the light; without it most scenes are dim


@dataclass(frozen=True)
class Category:
    """A category of the scenes, and its number in the datasets whose layout is imitated."""

    name: str
    ade20k_id: int
    """Value in an ADE20K annotation: ``Idx`` of ``objectInfo150.txt``, 0 for "other"."""
    voc_id: int
    """Value in a VOC2012 mask: 0 for background, otherwise one of the 20 object classes."""
    cityscapes_id: int
    """Value in Cityscapes' ``labelIds``; all of them are scored."""
    hue: float
    """Preferred hue in [0, 1); single surfaces scatter widely around it."""
    texture: str
    """Preferred texture."""


CATEGORIES = (
    Category("other", 0, 0, 23, 0.15, "plain"),  # the ceiling
    Category("wall", 1, 0, 11, 0.12, "plain"),
    Category("floor", 4, 0, 7, 0.08, "checker"),
    Category("painting", 23, 0, 20, 0.75, "noise"),
    Category("rug", 29, 0, 8, 0.95, "stripes"),
    Category("ball", 120, 17, 26, 0.00, "checker"),  # sheep in VOC
    Category("box", 42, 20, 28, 0.10, "noise"),  # tvmonitor
    Category("barrel", 112, 5, 17, 0.60, "stripes"),  # bottle
    Category("tent", 115, 16, 21, 0.35, "spots"),  # pottedplant
)
_INDEX = {category.name: index for index, category in enumerate(CATEGORIES)}
SOLID_NAMES = tuple(category.name for category in CATEGORIES if category.voc_id)


@dataclass(frozen=True)
class Scene:
    """A rendered room. All maps have the height and width of the image."""

    image: NDArray[np.uint8]
    """RGB, (H, W, 3)."""
    category: NDArray[np.uint8]
    """Index into ``CATEGORIES``, (H, W)."""
    instance: NDArray[np.uint8]
    """One more than the index into ``objects``, 0 where no solid is seen, (H, W)."""
    depth: NDArray[np.float32]
    """Metres along the optical axis (not along the ray), (H, W)."""
    objects: tuple[str, ...]
    """Category of each solid of which a pixel is seen."""
    label: str
    """Category of the solid with the most pixels; empty if none is seen."""


@dataclass(frozen=True)
class Material:
    """A procedural texture that blends two colours."""

    texture: str
    colors: tuple[Vector, Vector]
    """RGB in [0, 1]."""
    cell: float = 0.3
    """Side of a cell of the texture in metres."""
    yaw: float = 0.0
    """Turn of the texture about the vertical in radians."""
    axis: int = 0
    """Coordinate across the stripes."""
    phase: Vector = (0.013, 0.017, 0.019)
    """Offset in metres; keeps the borders of cells off planes such as y = 0."""
    key: int = 0
    """Seed of the noise lattice."""


@dataclass(frozen=True)
class Plane:
    """A side of the room; points inside have ``normal @ point < offset``."""

    category: str
    normal: Vector
    offset: float
    material: Material


@dataclass(frozen=True)
class Patch:
    """A flat rectangle on plane number ``plane``, ``half`` as long as its sides along the unit ``axes``."""

    category: str
    plane: int
    center: Vector
    axes: tuple[Vector, Vector]
    half: tuple[float, float]
    material: Material


@dataclass(frozen=True)
class Solid:
    """A ball, box, barrel (cylinder) or tent (cone) standing on the floor at ``x``, ``z``.

    ``half`` is half the extent along the solid's own axes, which are turned by ``yaw`` about the vertical.
    """

    category: str
    x: float
    z: float
    half: Vector
    material: Material
    yaw: float = 0.0


@dataclass(frozen=True)
class Camera:
    """A pinhole ``height`` metres above the floor that looks forward, ``pitch`` radians below the horizon."""

    height: float
    pitch: float
    focal: float
    """Focal length in image widths."""


@dataclass(frozen=True)
class World:
    """All there is to know about a scene, at any resolution."""

    camera: Camera
    planes: tuple[Plane, ...]
    patches: tuple[Patch, ...] = ()
    solids: tuple[Solid, ...] = ()
    light: Vector = (0.36, 0.8, -0.48)
    """Unit vector to the light, which is infinitely far; solids throw shadows, planes do not."""
    ambient: float = 0.5
    """Share of the light that reaches every surface."""
    noise: float = 3.0
    """Standard deviation of the sensor noise in grey levels of 255."""
    key: int = 0
    """Seed of the sensor noise."""


def render_scene(seed: int, size: tuple[int, int] = (128, 160)) -> Scene:
    """Renders random room number ``seed``.

    The category of the largest solid cycles with the seed, so that any four scenes in a row hold every one.

    Args:
        seed: Not negative; the only source of randomness.
        size: Height and width in pixels.
    """
    first = SOLID_NAMES[seed % len(SOLID_NAMES)]
    return render_world(draw_world(np.random.default_rng(seed), size[0] / size[1], first), size)


def render_world(world: World, size: tuple[int, int]) -> Scene:
    """Casts one ray per pixel.

    Args:
        world: A room closed in every direction that the camera sees.
        size: Height and width in pixels.

    Raises:
        ValueError: If a ray meets nothing.
    """
    origin, rays = camera_rays(world.camera, size)
    depth, surface = np.full(rays.shape[1], np.inf), np.zeros(rays.shape[1], np.intp)
    surfaces: list[Plane | Solid | Patch] = [*world.planes, *world.solids]
    for index, item in enumerate(surfaces):
        hit = _hit_plane(item, origin, rays) if isinstance(item, Plane) else _hit_solid(item, origin, rays)
        closer = hit < depth
        surface[closer], depth[closer] = index, hit[closer]
    if not np.isfinite(depth).all():
        raise ValueError("`world.planes` must close the view. Some rays meet nothing; add a wall or a ceiling.")
    points = origin + depth * rays
    for patch in world.patches:
        surface[(surface == patch.plane) & (_patch_distance(patch, points) <= 1)] = len(surfaces)
        surfaces.append(patch)

    image = _shade(world, surfaces, surface, rays=rays, depth=depth, focal=world.camera.focal * size[1])
    category = np.array([_INDEX[s.category] for s in surfaces], np.uint8)[surface]
    instance, objects, label = _instances(world, surface)
    return Scene(
        image=np.ascontiguousarray(image.T).reshape(*size, 3),
        category=category.reshape(size),
        instance=instance.reshape(size),
        depth=depth.astype(np.float32).reshape(size),
        objects=objects,
        label=label,
    )


def _instances(world: World, surface: NDArray[np.intp]) -> tuple[NDArray[np.uint8], tuple[str, ...], str]:
    """Numbers the solids that are seen; returns their map, their categories and that of the largest."""
    first = len(world.planes)
    pixels = np.bincount(surface, minlength=first + len(world.solids))[first : first + len(world.solids)]
    seen = np.flatnonzero(pixels)
    number = np.zeros(first + len(world.solids) + len(world.patches), np.uint8)
    number[first + seen] = np.arange(1, len(seen) + 1)
    objects = tuple(world.solids[i].category for i in seen)
    return number[surface], objects, world.solids[pixels.argmax()].category if objects else ""


# ------------------------------------------------------------------------------------------------------------
# Geometry: bundles of points and directions are (3, N), distances (N,) with infinity where nothing is met.


def camera_rays(camera: Camera, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Returns the camera's position (3, 1) and the directions (3, H * W) through the centres of the pixels.

    The directions have length 1 along the optical axis, so a distance counted in them is a depth.
    """
    row, column = (np.indices(size).reshape(2, -1) + 0.5) / np.reshape(size, (2, 1))
    return _column((0, camera.height, 0)), _rays(camera, size[0] / size[1], row, column)


def _rays(camera: Camera, aspect: float, row: ArrayLike, column: ArrayLike) -> Floats:
    """Returns the directions (3, N) through places given as fractions of the image's height and width."""
    u = (np.ravel(column) - 0.5) / camera.focal
    v = (np.ravel(row) - 0.5) * aspect / camera.focal
    sin, cos = np.sin(camera.pitch), np.cos(camera.pitch)
    return np.stack([u, -v * cos - sin, -v * sin + cos])


def _column(vector: ArrayLike) -> Floats:
    return np.reshape(np.asarray(vector, np.float64), (3, 1))


def _dot(a: Floats, b: Floats) -> Floats:
    """Returns the scalar products (N,)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _turn(vectors: Floats, yaw: float) -> Floats:
    """Turns about the vertical, from z towards x."""
    sin, cos = np.sin(yaw), np.cos(yaw)
    return np.stack([cos * vectors[0] + sin * vectors[2], vectors[1], cos * vectors[2] - sin * vectors[0]])


def _nearest(*candidates: tuple[Floats, Floats | NDArray[np.bool_]]) -> Floats:
    """Returns the smallest positive distance among (distance, is valid) pairs; NaN is never valid."""
    nearest = np.full(1, np.inf)
    for t, valid in candidates:
        nearest = np.where(valid & (t > 0) & (t < nearest), t, nearest)
    return nearest


def _hit_plane(plane: Plane, origin: Floats, rays: Floats) -> Floats:
    normal = _column(plane.normal)
    with np.errstate(divide="ignore"):
        t = (plane.offset - _dot(normal, origin)) / _dot(normal, rays)
    return np.where(t > 0, t, np.inf)


def _patch_distance(patch: Patch, points: Floats) -> Floats:
    """Chebyshev distance from the patch's centre, 1 at its edge."""
    offset = points - _column(patch.center)
    u, v = (abs(_dot(_column(axis), offset)) / half for axis, half in zip(patch.axes, patch.half, strict=True))
    return np.maximum(u, v)


def _to_unit(solid: Solid, points: Floats) -> Floats:
    """Maps points to the frame in which the solid fills [-1, 1] in each coordinate."""
    return _turn(points - _column((solid.x, solid.half[1], solid.z)), -solid.yaw) / _column(solid.half)


def _hit_solid(solid: Solid, origin: Floats, rays: Floats) -> Floats:
    # The map to the unit frame is affine, so distances along a ray keep their value.
    directions = _turn(rays, -solid.yaw) / _column(solid.half)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _HITS[solid.category](_to_unit(solid, origin), directions)


def _quadric(o: Floats, d: Floats, weights: Vector, level: float) -> tuple[Floats, Floats]:
    """Returns both t at which ``weights @ (o + t d)**2 == level``, NaN where there is none."""
    weighted = _column(weights) * d
    a, b, c = _dot(weighted, d), _dot(weighted, o), _dot(_column(weights) * o, o) - level
    root = np.sqrt(b * b - a * c)
    return (-b - root) / a, (-b + root) / a


def _hit_disc(o: Floats, d: Floats, y: float) -> tuple[Floats, NDArray[np.bool_]]:
    t = (y - o[1]) / d[1]
    return t, (o[0] + t * d[0]) ** 2 + (o[2] + t * d[2]) ** 2 <= 1


def _hit_ball(o: Floats, d: Floats) -> Floats:
    return _nearest(*((t, np.isfinite(t)) for t in _quadric(o, d, (1, 1, 1), 1)))


def _hit_box(o: Floats, d: Floats) -> Floats:
    low, high = (-1 - o) / d, (1 - o) / d
    enter, leave = np.minimum(low, high).max(0), np.maximum(low, high).min(0)
    return _nearest((enter, enter <= leave), (leave, enter <= leave))


def _hit_barrel(o: Floats, d: Floats) -> Floats:
    side = _quadric(o, d, (1, 0, 1), 1)
    return _nearest(*((t, abs(o[1] + t * d[1]) <= 1) for t in side), _hit_disc(o, d, -1), _hit_disc(o, d, 1))


def _hit_tent(o: Floats, d: Floats) -> Floats:
    # x^2 + z^2 = w^2 with w = (1 - y) / 2, which also has a mirror image above the tip.
    side = _quadric(np.stack([o[0], (1 - o[1]) / 2, o[2]]), np.stack([d[0], -d[1] / 2, d[2]]), (1, -1, 1), 0)
    return _nearest(*((t, abs(o[1] + t * d[1]) <= 1) for t in side), _hit_disc(o, d, -1))


_HITS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "ball": _hit_ball,
    "box": _hit_box,
    "barrel": _hit_barrel,
    "tent": _hit_tent,
}


def _normals(surface: Plane | Solid | Patch, planes: tuple[Plane, ...], points: Floats) -> Floats:
    """Returns the unit normals, towards the inside of the room, at points of the surface."""
    if isinstance(surface, Patch):
        surface = planes[surface.plane]
    if isinstance(surface, Plane):
        return np.broadcast_to(-_column(surface.normal), points.shape)
    x, y, z = unit = _to_unit(surface, points)
    if surface.category == "box":
        unit = np.where(abs(unit) == abs(unit).max(0), np.sign(unit), 0)
    elif surface.category == "barrel":
        top = y > 1 - 1e-9
        unit = np.stack([np.where(top, 0, x), np.where(top, 1, 0), np.where(top, 0, z)])
    elif surface.category == "tent":
        unit = np.stack([x, (1 - y) / 4, z])
    normals = _turn(unit / _column(surface.half), surface.yaw)
    return normals / np.sqrt(_dot(normals, normals))


# ------------------------------------------------------------------------------------------------------------
# Colour.


def _shade(
    world: World,
    surfaces: list[Plane | Solid | Patch],
    surface: NDArray[np.intp],
    *,
    rays: Floats,
    depth: Floats,
    focal: float,
) -> NDArray[np.uint8]:
    """Returns the colours (3, N) by Lambert's law, with shadows of the solids and sensor noise."""
    # Sorted by surface, so that each is one slice.
    order = np.argsort(surface, kind="stable")
    bounds = np.searchsorted(surface[order], np.arange(len(surfaces) + 1))
    rays, depth = rays.take(order, axis=1), depth[order]
    points = _column((0, world.camera.height, 0)) + depth * rays
    albedo, normals = np.empty((2, *points.shape))
    for item, start, stop in zip(surfaces, bounds, bounds[1:], strict=False):
        if start < stop:
            part = np.s_[:, start:stop]
            normals[part] = _normals(item, world.planes, points[part])
            slant = abs(_dot(normals[part], rays[part])) / np.sqrt(_dot(rays[part], rays[part]))
            albedo[part] = _albedo(item, points[part], depth[start:stop] / focal / np.maximum(slant, 1e-3))
    light = _column(world.light)
    lambert = np.maximum(_dot(light, normals), 0)
    lifted = points + 1e-4 * normals  # off the surface, which must not shade itself
    for solid in world.solids:
        lambert[np.isfinite(_hit_solid(solid, lifted, light))] = 0
    image = np.empty(points.shape, np.float32)
    image[:, order] = _EXPOSURE * 255 * albedo * (world.ambient + (1 - world.ambient) * lambert)
    image += world.noise * np.random.default_rng(world.key).standard_normal(image.shape, np.float32)
    return image.clip(0, 255).round().astype(np.uint8)


def _albedo(item: Plane | Solid | Patch, points: Floats, footprint: Floats) -> Floats:
    """Returns the colours (3, N) of points of a surface; ``footprint`` is the extent of a pixel in metres."""
    value = 0.5 + (_texture(item.material, points) - 0.5) * np.clip(item.material.cell / footprint - 1, 0, 1)
    if isinstance(item, Patch):
        value[_patch_distance(item, points) > 0.88] = 1  # a frame or hem
    dark, bright = (_column(color) for color in item.material.colors)
    return dark + (bright - dark) * value


def _texture(material: Material, points: Floats) -> NDArray[np.generic]:
    """Returns the blend of the two colours, in [0, 1], at points (3, N)."""
    cells = _turn(points + _column(material.phase), -material.yaw) / material.cell
    match material.texture:
        case "plain":
            return np.full(points.shape[1], 0.5)
        case "checker":
            return np.floor(cells).astype(np.intp).sum(0) & 1
        case "stripes":
            return np.floor(cells[material.axis]).astype(np.intp) & 1
        case "noise":
            fine = _value_noise(3 * cells, material.key)
            return (2 * _value_noise(cells, material.key) + fine) / 3
        case "spots":
            return _value_noise(1.5 * cells, material.key) > 0.6
    raise ValueError(f"`texture` must be one of {', '.join(TEXTURES)}. Received {material.texture!r}.")


def _value_noise(cells: Floats, key: int, period: int = 8) -> Floats:
    """Trilinear interpolation of a random lattice that repeats after ``period`` cells."""
    lattice = np.random.default_rng(key).random((period, period, period))
    low = np.floor(cells)
    x, y, z = (low.astype(np.intp)[:, None] + np.arange(2)[:, None]) % period  # (2, N) each
    corners = lattice[x[:, None, None], y[:, None], z]  # (2, 2, 2, N)
    for weight in cells - low:
        corners = corners[0] + (corners[1] - corners[0]) * weight
    return corners


# ------------------------------------------------------------------------------------------------------------
# Random rooms.


@dataclass(frozen=True)
class _Room:
    """An empty room, as a camera of ``aspect`` (height over width of the image) sees it."""

    camera: Camera
    aspect: float
    planes: tuple[Plane, ...]


def draw_world(rng: np.random.Generator, aspect: float = 0.8, first: str = "ball") -> World:
    """Draws a room with one to five solids in view that do not touch one another.

    Args:
        rng: Source of randomness.
        aspect: Height over width of the image that will be rendered.
        first: Category of the first and largest solid.
    """
    room = _draw_room(rng, aspect)
    solids: list[Solid] = []
    wanted = rng.integers(2, 6)
    for attempt in range(30):
        # They shrink with the attempts, so that a first one fits into any room.
        solid = _draw_solid(rng, room, solids, first, shrink=0.95**attempt) if len(solids) < wanted else None
        if solid:
            solids.append(solid)
    patches = [_draw_patch(rng, room, name) for name in ("painting", "rug") if rng.random() < 0.75]
    tilt, turn = rng.uniform(0.6, 1.1), rng.uniform(-1.1, 1.1)
    return World(
        camera=room.camera,
        planes=room.planes,
        patches=tuple(patch for patch in patches if patch),
        solids=tuple(solids),
        light=(np.cos(tilt) * np.sin(turn), np.sin(tilt), -np.cos(tilt) * np.cos(turn)),
        ambient=rng.uniform(0.4, 0.6),
        noise=rng.uniform(1, 4),
        key=int(rng.integers(2**32)),
    )


def _draw_room(rng: np.random.Generator, aspect: float) -> _Room:
    """Draws the camera, the floor, the back wall, the ceiling and, in half of the rooms, a side wall."""
    yaw, distance, focal = rng.uniform(-0.35, 0.35), rng.uniform(3.2, 6.5), rng.uniform(0.85, 1.1)
    sin, cos = float(np.sin(yaw)), float(np.cos(yaw))
    # Pitch and ceiling follow from the rows at which the back wall shall begin and end.
    height = distance * rng.uniform(0.2, 0.32)
    foot, top = ((rng.uniform(*rows) - 0.5) * aspect / focal for rows in ((0.42, 0.62), (-0.05, 0.12)))
    pitch = float(np.arctan(height / distance) - np.arctan(foot))
    ceiling = float(max(height - distance * np.tan(pitch + np.arctan(top)), height + 0.6, 1.9))
    wall = _draw_material(rng, "wall", rng.uniform(0.15, 0.6), yaw)
    planes = [
        Plane("floor", (0, -1, 0), 0, _draw_material(rng, "floor", rng.uniform(0.2, 0.6), yaw)),
        Plane("wall", (sin, 0, cos), distance, wall),
        Plane("other", (0, 1, 0), ceiling, _draw_material(rng, "other", 0.5, yaw)),
    ]
    if rng.random() < 0.5:
        side = int(rng.choice([-1, 1]))
        planes.append(Plane("wall", (side * cos, 0, -side * sin), rng.uniform(1.3, 2.6), wall))
    return _Room(Camera(height, pitch, focal), aspect, tuple(planes))


def _draw_solid(rng: np.random.Generator, room: _Room, others: list[Solid], first: str, shrink: float) -> Solid | None:
    """Tries one place in view; returns nothing where the solid would touch another or a wall."""
    plane, depth, center = _look_at(room, rng.uniform(0.45, 0.85), rng.uniform(0.1, 0.9))
    share = rng.uniform(0.06, 0.13) if others else rng.uniform(0.12, 0.18)
    radius = min(shrink * share * depth / room.camera.focal, 0.7)
    if plane != 0 or depth - radius < 0.9 or not _inside(room, 0, center, np.diag((radius, 0, radius))):
        return None
    x, _, z = center.tolist()
    if any(np.hypot(x - o.x, z - o.z) < radius + np.hypot(o.half[0], o.half[2]) for o in others):
        return None
    category = str(rng.choice(SOLID_NAMES)) if others else first
    wide, high, deep = rng.uniform((0.55, 0.6, 0.55), (0.7, 1.3, 0.7))
    shape = {"ball": (1, 1, 1), "box": (wide, high, deep), "barrel": (wide, high, wide)}
    half = _vector(radius * np.array(shape.get(category, (1.3 * wide, high, 1.3 * wide))))
    yaw, cell = rng.uniform(-np.pi, np.pi), radius * rng.uniform(0.3, 0.7)
    return Solid(category, x, z, half, _draw_material(rng, category, cell, yaw), yaw)


def _draw_patch(rng: np.random.Generator, room: _Room, category: str) -> Patch | None:
    """Tries ten places in view for a rug on the floor or a painting on a wall."""
    rug = category == "rug"
    for _ in range(10):
        row = rng.uniform(0.55, 0.9) if rug else rng.uniform(0.08, 0.4)
        plane, depth, center = _look_at(room, row, rng.uniform(0.1, 0.9))
        x, y, z = room.planes[plane].normal
        yaw = rng.uniform(-np.pi, np.pi) if rug else float(np.arctan2(x, z))
        along = np.array((np.cos(yaw), 0, -np.sin(yaw)))
        across = np.array((np.sin(yaw), 0, np.cos(yaw)) if rug else (0, 1, 0))
        share = rng.uniform(0.12, 0.28) if rug else rng.uniform(0.06, 0.14)
        half = share * depth / room.camera.focal * np.array((1, rng.uniform(0.6, 1)))
        fits = _inside(room, plane, center, half[:, None] * np.stack([along, across]))
        if fits and y == (-1 if rug else 0):
            material = _draw_material(rng, category, half.min() * rng.uniform(0.25, 0.6), yaw)
            axes, sides = (_vector(along), _vector(across)), (float(half[0]), float(half[1]))
            return Patch(category, plane, _vector(center), axes, sides, material)
    return None


def _look_at(room: _Room, row: float, column: float) -> tuple[int, float, Floats]:
    """Returns the number of the plane seen at a place of the image, its depth and the point (3,)."""
    origin = _column((0, room.camera.height, 0))
    ray = _rays(room.camera, room.aspect, row, column)
    depths = [float(_hit_plane(plane, origin, ray)[0]) for plane in room.planes]
    nearest = int(np.argmin(depths))
    return nearest, depths[nearest], (origin + depths[nearest] * ray)[:, 0]


def _inside(room: _Room, own: int, center: Floats, reach: Floats) -> bool:
    """Whether a box around ``center`` with half axes ``reach`` (K, 3) crosses no plane but its ``own``."""
    others = (plane for index, plane in enumerate(room.planes) if index != own)
    return all(np.dot(p.normal, center) + abs(reach @ p.normal).sum() < p.offset for p in others)


def _draw_material(rng: np.random.Generator, category: str, cell: float, yaw: float) -> Material:
    """Draws a texture and two colours with the preferences of the category."""
    preferred = CATEGORIES[_INDEX[category]]
    others = [texture for texture in TEXTURES if texture != preferred.texture]
    texture = preferred.texture if rng.random() < 0.6 else str(rng.choice(others))
    muted = 0.35 if category in ("other", "wall", "floor") else 1.0
    hue, value = preferred.hue + rng.normal(0, 0.15), rng.uniform(0.4, 1.0)
    contrast = rng.uniform(0.2, 0.45) * (0.6 if muted < 1 else 1) * (-1 if value > 0.6 else 1)
    one = colorsys.hsv_to_rgb(hue % 1, muted * rng.uniform(0.3, 0.9), value)
    two = colorsys.hsv_to_rgb((hue + rng.normal(0, 0.12)) % 1, muted * rng.uniform(0.3, 0.9), value + contrast)
    phase = _vector(rng.uniform(0, 1, 3))
    return Material(texture, (one, two), cell, yaw, int(rng.choice([0, 2])), phase, int(rng.integers(2**32)))


def _vector(values: Floats) -> Vector:
    x, y, z = values.tolist()
    return x, y, z
