"""Rendered scenes.

Depths are compared with computations that share no code with the renderer: closed forms, a quadratic equation written
out in world coordinates and, for every shape, a march along the ray in small steps.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmark.synthetic.categories import INDEX
from benchmark.synthetic.materials import Material
from benchmark.synthetic.rendering import Camera, Rendering, Scene, render
from benchmark.synthetic.surfaces import Decal, Plane, Solid

SIZE = (48, 60)
PLAIN = Material("plain", ((0.2, 0.4, 0.6), (0.8, 0.6, 0.4)))
CAMERA = Camera(height=1.2, pitch=0.3, focal=0.9)
WALL_YAW, WALL_DISTANCE = 0.25, 4.0
ROOM = (
    Plane("floor", PLAIN, (0, -1, 0), 0),
    Plane("wall", PLAIN, (math.sin(WALL_YAW), 0, math.cos(WALL_YAW)), WALL_DISTANCE),
)
BALL = Solid("ball", PLAIN, 0.3, 2.4, (0.4, 0.4, 0.4))
SOLIDS = {
    "ball": BALL,
    "box": Solid("box", PLAIN, 0.2, 2.3, (0.3, 0.45, 0.25), yaw=0.6),
    "barrel": Solid("barrel", PLAIN, -0.2, 2.5, (0.3, 0.4, 0.3)),
    "tent": Solid("tent", PLAIN, 0.1, 2.2, (0.45, 0.5, 0.45)),
}


def _ray(row: int, column: int, size: tuple[int, int] = SIZE) -> tuple[float, float, float]:
    """Direction through a pixel's centre whose length along the optical axis is 1."""
    focal = CAMERA.focal * size[1]
    right, down = (column + 0.5 - size[1] / 2) / focal, (row + 0.5 - size[0] / 2) / focal
    # Elevation of the ray in the vertical plane of the axis, where it is sqrt(1 + down^2) long.
    elevation, length = -CAMERA.pitch - math.atan(down), math.hypot(1, down)
    return right, length * math.sin(elevation), length * math.cos(elevation)


def _contains(solid: Solid, point: tuple[float, float, float]) -> bool:
    """Whether a point lies in the solid, from the definition of the shape."""
    x, y, z = point[0] - solid.x, point[1], point[2] - solid.z
    width, height, depth = solid.half
    if solid.category == "ball":
        return math.dist((x, y, z), (0, height, 0)) <= height
    if solid.category == "box":
        along = x * math.cos(solid.yaw) - z * math.sin(solid.yaw)
        across = x * math.sin(solid.yaw) + z * math.cos(solid.yaw)
        return abs(along) <= width and abs(across) <= depth and 0 <= y <= 2 * height
    radius = width if solid.category == "barrel" else width * (1 - y / (2 * height))
    return 0 <= y <= 2 * height and math.hypot(x, z) <= radius


def _march(solid: Solid, ray: tuple[float, float, float], step: float = 5e-4) -> float:
    """First depth at which the ray is in the solid, within ``step``; infinite if never before 5 m."""
    for count in range(round(1 / step), round(5 / step)):
        t = count * step
        if _contains(solid, (t * ray[0], CAMERA.height + t * ray[1], t * ray[2])):
            return t
    return math.inf


def _render(*solids: Solid, decals: tuple[Decal, ...] = ()) -> Rendering:
    return render(Scene(CAMERA, ROOM, decals, solids), SIZE)


def test_depth_of_the_floor_is_the_closed_form() -> None:
    rendering = _render()
    row, column = 44, 7
    assert rendering.category[row, column] == INDEX["floor"]
    # The ray falls to the floor under `below` the horizon; the depth is the part along the axis.
    below = CAMERA.pitch + math.atan((row + 0.5 - SIZE[0] / 2) / (CAMERA.focal * SIZE[1]))
    expected = CAMERA.height / math.sin(below) * math.cos(below - CAMERA.pitch)
    assert rendering.depth[row, column] == pytest.approx(expected, rel=1e-6)


def test_depth_of_the_wall_is_the_closed_form() -> None:
    rendering = _render()
    row, column = 3, 50
    assert rendering.category[row, column] == INDEX["wall"]
    x, _, z = _ray(row, column)
    # Seen from above: the wall's foot is at WALL_DISTANCE in the direction WALL_YAW.
    expected = WALL_DISTANCE / (math.hypot(x, z) * math.cos(math.atan2(x, z) - WALL_YAW))
    assert rendering.depth[row, column] == pytest.approx(expected, rel=1e-6)


def test_depth_of_a_ball_solves_the_quadratic_equation() -> None:
    rendering = _render(BALL)
    for row, column in ((20, 32), (23, 38), (27, 36), (30, 34), (18, 37)):
        assert rendering.category[row, column] == INDEX["ball"]
        ray = _ray(row, column)
        offset = (-BALL.x, CAMERA.height - BALL.half[1], -BALL.z)
        a = sum(r * r for r in ray)
        b = 2 * sum(r * o for r, o in zip(ray, offset, strict=True))
        c = sum(o * o for o in offset) - BALL.half[1] ** 2
        assert rendering.depth[row, column] == pytest.approx((-b - math.sqrt(b * b - 4 * a * c)) / (2 * a), rel=1e-6)


@pytest.mark.parametrize("name", sorted(SOLIDS))
def test_depth_of_a_solid_is_where_a_march_along_the_ray_enters_it(name: str) -> None:
    rendering, solid = _render(SOLIDS[name]), SOLIDS[name]
    rows, columns = np.nonzero(rendering.instance)
    assert len(rows) > 60
    for pixel in np.linspace(0, len(rows) - 1, 12).astype(int):
        row, column = int(rows[pixel]), int(columns[pixel])
        assert rendering.depth[row, column] == pytest.approx(_march(solid, _ray(row, column)), abs=1e-3)


@pytest.mark.parametrize("name", sorted(SOLIDS))
def test_rays_that_miss_a_solid_do_not_show_it(name: str) -> None:
    rendering = _render(SOLIDS[name])
    shown = rendering.instance > 0
    around = np.zeros_like(shown)
    around[1:-1, 1:-1] = shown[2:, 1:-1] | shown[:-2, 1:-1] | shown[1:-1, 2:] | shown[1:-1, :-2]
    for row, column in np.argwhere(around & ~shown)[::6]:
        # A march may miss a grazing contact, the renderer may not show what the march misses clearly.
        assert _march(SOLIDS[name], _ray(int(row), int(column))) >= rendering.depth[row, column] - 1e-3


def test_the_nearest_solid_wins() -> None:
    front = Solid("box", PLAIN, 0.0, 1.9, (0.2, 0.3, 0.2), yaw=0.3)
    back = Solid("barrel", PLAIN, 0.1, 2.7, (0.4, 0.6, 0.4))
    room, alone, both = _render(), [_render(front), _render(back)], _render(front, back)
    depths = np.stack([room.depth, alone[0].depth, alone[1].depth])
    assert np.array_equal(both.depth, depths.min(0))
    for category, rendering in (("box", alone[0]), ("barrel", alone[1])):
        shown = both.category == INDEX[category]
        assert shown.any() and np.array_equal(both.depth[shown], rendering.depth[shown])
    overlap = (alone[0].instance > 0) & (alone[1].instance > 0)
    assert overlap.any() and (both.category[overlap] == INDEX["box"]).all()


def test_order_of_the_solids_does_not_change_what_is_seen() -> None:
    solids = [Solid("tent", PLAIN, -0.5, 2.2, (0.3, 0.4, 0.3)), BALL]
    one, two = _render(*solids), _render(*reversed(solids))
    assert np.array_equal(one.category, two.category) and np.array_equal(one.image, two.image)


def test_a_rug_changes_labels_but_no_depth() -> None:
    rug = Decal("rug", PLAIN, ROOM[0], (0.0, 0.0, 2.0), ((1, 0, 0), (0, 0, 1)), (0.4, 0.3))
    with_rug, without = _render(decals=(rug,)), _render()
    changed = with_rug.category != without.category
    assert changed.any() and (with_rug.category[changed] == INDEX["rug"]).all()
    assert (without.category[changed] == INDEX["floor"]).all()
    assert np.array_equal(with_rug.depth, without.depth)
    for row, column in np.ndindex(SIZE):
        x, y, z = (without.depth[row, column] * r for r in _ray(row, column))
        on_rug = abs(CAMERA.height + y) < 1e-3 and abs(x) <= 0.4 and abs(z - 2) <= 0.3
        assert changed[row, column] == on_rug


def test_instances_are_the_numbers_of_the_solids_that_are_seen() -> None:
    hidden = Solid("box", PLAIN, 0.0, 3.0, (0.05, 0.05, 0.05))
    barrel = Solid("barrel", PLAIN, 0.0, 2.0, (0.4, 0.5, 0.4))
    rendering = _render(hidden, barrel, Solid("ball", PLAIN, 0.8, 2.5, (0.2, 0.2, 0.2)))
    assert set(np.unique(rendering.instance)) == {0, 2, 3}
    for number, name in ((2, "barrel"), (3, "ball")):
        assert np.array_equal(rendering.instance == number, rendering.category == INDEX[name])


def test_a_room_without_solids_has_no_instance() -> None:
    assert not _render().instance.any()


def test_a_solid_shades_the_floor_away_from_the_light() -> None:
    light = (0.6, 0.8, 0.0)  # from the right, so the shadow falls to the left
    rendering = render(Scene(CAMERA, ROOM, (), (BALL,), light=light, noise=0), SIZE)
    floor = rendering.category == INDEX["floor"]
    dark = floor & (rendering.image.sum(2) < rendering.image[floor].sum(1).max() - 20)
    assert dark.any()
    assert np.nonzero(dark)[1].mean() < np.nonzero(rendering.instance)[1].mean()


def test_an_open_room_is_refused() -> None:
    with pytest.raises(ValueError, match="must close the view"):
        render(Scene(CAMERA, ROOM[:1]), SIZE)


def test_an_unknown_texture_is_refused() -> None:
    paisley = Material("paisley", PLAIN.colors)
    with pytest.raises(ValueError, match="Received 'paisley'"):
        render(Scene(CAMERA, (Plane("floor", paisley, (0, -1, 0), 0), ROOM[1])), SIZE)
