"""Random rooms."""

from __future__ import annotations

import math

import numpy as np

from benchmark.synthetic.categories import CATEGORIES, INDEX
from benchmark.synthetic.rendering import Rendering, render
from benchmark.synthetic.rooms import random_room, render_room
from benchmark.synthetic.surfaces import SOLID_NAMES

SIZE = (48, 60)


def _same(one: Rendering, two: Rendering) -> bool:
    maps = ("image", "category", "instance", "depth")
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in maps)


def _solids(rendering: Rendering) -> set[str]:
    """Names of the solids that are seen."""
    return {CATEGORIES[index].name for index in np.unique(rendering.category)} & set(SOLID_NAMES)


def test_same_seed_gives_the_same_room_and_another_seed_another() -> None:
    assert _same(render_room(5, SIZE), render_room(5, SIZE))
    assert not _same(render_room(5, SIZE), render_room(9, SIZE))


def test_a_rendering_has_the_documented_shapes_and_types() -> None:
    rendering = render_room(1)
    assert (rendering.image.shape, rendering.image.dtype) == ((128, 160, 3), np.uint8)
    for name, dtype in (("category", np.uint8), ("instance", np.uint8), ("depth", np.float32)):
        assert (getattr(rendering, name).shape, getattr(rendering, name).dtype) == ((128, 160), dtype)


def test_instances_and_categories_agree() -> None:
    for seed in range(12):
        scene = random_room(np.random.default_rng(seed))
        rendering = render(scene, SIZE)
        for number, solid in enumerate(scene.solids, start=1):
            assert (rendering.category[rendering.instance == number] == INDEX[solid.category]).all()
        assert rendering.instance.any() and rendering.instance.max() <= len(scene.solids)
        assert not np.isin(rendering.category[rendering.instance == 0], [INDEX[n] for n in SOLID_NAMES]).any()


def test_depth_stays_in_the_range_of_a_room() -> None:
    for seed in range(40):
        depth = render_room(seed, SIZE).depth
        assert depth.min() > 0.7 and depth.max() < 9.5


def test_four_rooms_in_a_row_hold_all_solids() -> None:
    for start in (0, 17, 100_000):
        names = set().union(*(_solids(render_room(seed, SIZE)) for seed in range(start, start + 4)))
        assert names == set(SOLID_NAMES)


def test_drawn_solids_stand_apart_and_inside_the_room() -> None:
    for seed in range(100):
        scene = random_room(np.random.default_rng(seed))
        for index, solid in enumerate(scene.solids):
            assert all(np.dot(p.normal, (solid.x, 1e-9, solid.z)) < p.offset for p in scene.planes)
            assert 2 * solid.half[1] < scene.planes[2].offset
            for other in scene.solids[:index]:
                apart = math.hypot(solid.x - other.x, solid.z - other.z)
                assert apart > max(solid.half[::2]) + max(other.half[::2])
