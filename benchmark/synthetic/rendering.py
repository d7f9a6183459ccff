"""A scene, and the picture that a pinhole camera takes of it, with exact labels.

Every pixel takes the nearest intersection of the ray through its centre, without anti-aliasing, so its category,
instance and depth are those of one point. Known trade-off (accepted): textures fade where a pixel covers more than one
of their cells; they would alias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.synthetic.categories import INDEX
from benchmark.synthetic.geometry import Floats, Vector, column, dot
from benchmark.synthetic.surfaces import Decal, Plane, Solid, Surface

_EXPOSURE = 1.2  # few surfaces face the light; without it most scenes are dim


@dataclass(frozen=True)
class Camera:
    """A pinhole ``height`` metres above the floor that looks forward, ``pitch`` radians below the horizon."""

    height: float
    pitch: float
    focal: float
    """Focal length in image widths."""

    @property
    def position(self) -> Floats:
        """The pinhole, (3, 1)."""
        return column((0, self.height, 0))

    def rays(self, size: tuple[int, int]) -> Floats:
        """Returns the directions (3, H * W) through the centres of the pixels of an image of height and width ``size``.

        Directions have length 1 along the optical axis, so a distance counted in them is a depth.
        """
        rows, columns = (np.indices(size).reshape(2, -1) + 0.5) / np.reshape(size, (2, 1))
        return self.rays_through(rows, columns, size[0] / size[1])

    def rays_through(self, rows: ArrayLike, columns: ArrayLike, aspect: float) -> Floats:
        """Returns the directions (3, N) through points given as fractions of the image's height and width.

        ``aspect`` is height over width.
        """
        u = (np.ravel(columns) - 0.5) / self.focal
        v = (np.ravel(rows) - 0.5) * aspect / self.focal
        sin, cos = np.sin(self.pitch), np.cos(self.pitch)
        return np.stack([u, -v * cos - sin, -v * sin + cos])


@dataclass(frozen=True)
class Scene:
    """All there is to know about a room, at any resolution."""

    camera: Camera
    planes: tuple[Plane, ...]
    decals: tuple[Decal, ...] = ()
    solids: tuple[Solid, ...] = ()
    light: Vector = (0.36, 0.8, -0.48)
    """Unit vector to the light, which is infinitely far; solids throw shadows, planes do not."""

    ambient: float = 0.5
    """Share of the light that reaches every surface."""

    noise: float = 3.0
    """Standard deviation of the sensor noise in grey levels of 255."""

    key: int = 0
    """Seed of the sensor noise."""

    @property
    def surfaces(self) -> tuple[Surface, ...]:
        """All surfaces; of two that are equally near the first is seen, so decals precede their planes."""
        return *self.decals, *self.planes, *self.solids


@dataclass(frozen=True)
class Rendering:
    """A picture of a scene. All maps have the height and width of the image."""

    image: NDArray[np.uint8]
    """RGB, (H, W, 3)."""

    category: NDArray[np.uint8]
    """Index into ``CATEGORIES``, (H, W)."""

    instance: NDArray[np.uint8]
    """Number of the solid, from 1 in the order of the scene's, 0 where none is seen, (H, W)."""

    depth: NDArray[np.float32]
    """Metres along the optical axis (not along the ray), (H, W)."""


def render(scene: Scene, size: tuple[int, int]) -> Rendering:
    """Casts one ray per pixel.

    Args:
        scene: A room closed in every direction that the camera sees.
        size: Height and width in pixels.

    Raises:
        ValueError: If a ray meets nothing.
    """
    rays, surfaces = scene.camera.rays(size), scene.surfaces
    distances = np.stack([surface.intersect(scene.camera.position, rays) for surface in surfaces])
    hit, depth = distances.argmin(0), distances.min(0)
    if not np.isfinite(depth).all():
        raise ValueError("`scene.planes` must close the view. Some rays meet nothing; add a wall or a ceiling.")
    image = _shade(scene, hit, rays=rays, depth=depth, focal=scene.camera.focal * size[1])
    first_solid = len(surfaces) - len(scene.solids)
    return Rendering(
        image=np.ascontiguousarray(image.T).reshape(*size, 3),
        category=np.array([INDEX[surface.category] for surface in surfaces], np.uint8)[hit].reshape(size),
        instance=(hit - first_solid + 1).clip(0).astype(np.uint8).reshape(size),
        depth=depth.astype(np.float32).reshape(size),
    )


def _shade(scene: Scene, hit: NDArray[np.intp], *, rays: Floats, depth: Floats, focal: float) -> NDArray[np.uint8]:
    """Returns the colours (3, N) by Lambert's law, with shadows of the solids and sensor noise.

    Args:
        scene: What is seen.
        hit: Index of the surface that each ray meets, (N,).
        rays: Directions from the camera, (3, N).
        depth: How far along them, (N,).
        focal: Focal length in pixels.
    """
    points = scene.camera.position + depth * rays
    albedo, normals = np.empty((2, *points.shape))
    for index in np.unique(hit):
        item, pixels = scene.surfaces[index], np.flatnonzero(hit == index)
        where, toward = points[:, pixels], rays[:, pixels]
        normals[:, pixels] = normal = item.normals(where)
        slant = abs(dot(normal, toward)) / np.sqrt(dot(toward, toward))
        albedo[:, pixels] = item.albedo(where, depth[pixels] / focal / np.maximum(slant, 1e-3))
    light = column(scene.light)
    lambert = np.maximum(dot(light, normals), 0)
    lifted = points + 1e-4 * normals  # off the surface, which must not shade itself
    for solid in scene.solids:
        lambert[np.isfinite(solid.intersect(lifted, light))] = 0
    image = (_EXPOSURE * 255 * albedo * (scene.ambient + (1 - scene.ambient) * lambert)).astype(np.float32)
    image += scene.noise * np.random.default_rng(scene.key).standard_normal(image.shape, np.float32)
    return image.clip(0, 255).round().astype(np.uint8)
