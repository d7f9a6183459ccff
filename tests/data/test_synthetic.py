"""The rendered rooms and the folders written from them.

    python -m pytest -q tests/data/test_synthetic.py

Depths are compared with computations that share no code with the renderer: closed forms, a quadratic equation
written out in world coordinates and, for every shape, a march along the ray in small steps.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data import synthetic, synthetic_layouts
from benchmark.data.synthetic import Camera, Material, Patch, Plane, Scene, Solid, World
from benchmark.data.synthetic_layouts import voc2012
from benchmark.errors import DataError

SIZE = (48, 60)
PLAIN = Material("plain", ((0.2, 0.4, 0.6), (0.8, 0.6, 0.4)))
CAMERA = Camera(height=1.2, pitch=0.3, focal=0.9)
WALL_YAW, WALL_DISTANCE = 0.25, 4.0
ROOM = (
    Plane("floor", (0, -1, 0), 0, PLAIN),
    Plane("wall", (math.sin(WALL_YAW), 0, math.cos(WALL_YAW)), WALL_DISTANCE, PLAIN),
)
BALL = Solid("ball", 0.3, 2.4, (0.4, 0.4, 0.4), PLAIN)
SOLIDS = {
    "ball": BALL,
    "box": Solid("box", 0.2, 2.3, (0.3, 0.45, 0.25), PLAIN, yaw=0.6),
    "barrel": Solid("barrel", -0.2, 2.5, (0.3, 0.4, 0.3), PLAIN),
    "tent": Solid("tent", 0.1, 2.2, (0.45, 0.5, 0.45), PLAIN),
}
COUNTS = {"train": 48, "val": 24}


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All datasets as `write_mini` writes them by default."""
    root = tmp_path_factory.mktemp("data")
    synthetic_layouts.write_mini(root)
    return root


def _index(name: str) -> int:
    return [category.name for category in synthetic.CATEGORIES].index(name)


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


def _render(*solids: Solid, patches: tuple[Patch, ...] = ()) -> Scene:
    return synthetic.render_world(World(CAMERA, ROOM, patches, solids), SIZE)


def _same(one: Scene, two: Scene) -> bool:
    maps = ("image", "category", "instance", "depth")
    equal = all(np.array_equal(getattr(one, name), getattr(two, name)) for name in maps)
    return equal and one.objects == two.objects and one.label == two.label


# ------------------------------------------------------------------------------------------------------------
# Rendering.


def test_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    assert _same(synthetic.render_scene(5, SIZE), synthetic.render_scene(5, SIZE))
    assert not _same(synthetic.render_scene(5, SIZE), synthetic.render_scene(9, SIZE))


def test_scene_has_the_documented_shapes_and_types() -> None:
    scene = synthetic.render_scene(1)
    assert (scene.image.shape, scene.image.dtype) == ((128, 160, 3), np.uint8)
    for name, dtype in (("category", np.uint8), ("instance", np.uint8), ("depth", np.float32)):
        assert (getattr(scene, name).shape, getattr(scene, name).dtype) == ((128, 160), dtype)


def test_depth_of_the_floor_is_the_closed_form() -> None:
    scene = _render()
    row, column = 44, 7
    assert scene.category[row, column] == _index("floor")
    # The ray falls to the floor under `below` the horizon; the depth is the part along the axis.
    below = CAMERA.pitch + math.atan((row + 0.5 - SIZE[0] / 2) / (CAMERA.focal * SIZE[1]))
    expected = CAMERA.height / math.sin(below) * math.cos(below - CAMERA.pitch)
    assert scene.depth[row, column] == pytest.approx(expected, rel=1e-6)


def test_depth_of_the_wall_is_the_closed_form() -> None:
    scene = _render()
    row, column = 3, 50
    assert scene.category[row, column] == _index("wall")
    x, _, z = _ray(row, column)
    # Seen from above: the wall's foot is at WALL_DISTANCE in the direction WALL_YAW.
    expected = WALL_DISTANCE / (math.hypot(x, z) * math.cos(math.atan2(x, z) - WALL_YAW))
    assert scene.depth[row, column] == pytest.approx(expected, rel=1e-6)


def test_depth_of_a_ball_solves_the_quadratic_equation() -> None:
    scene = _render(BALL)
    for row, column in ((20, 32), (23, 38), (27, 36), (30, 34), (18, 37)):
        assert scene.category[row, column] == _index("ball")
        ray = _ray(row, column)
        offset = (-BALL.x, CAMERA.height - BALL.half[1], -BALL.z)
        a = sum(r * r for r in ray)
        b = 2 * sum(r * o for r, o in zip(ray, offset, strict=True))
        c = sum(o * o for o in offset) - BALL.half[1] ** 2
        assert scene.depth[row, column] == pytest.approx((-b - math.sqrt(b * b - 4 * a * c)) / (2 * a), rel=1e-6)


@pytest.mark.parametrize("name", sorted(SOLIDS))
def test_depth_of_a_solid_is_where_a_march_along_the_ray_enters_it(name: str) -> None:
    scene, solid = _render(SOLIDS[name]), SOLIDS[name]
    rows, columns = np.nonzero(scene.instance)
    assert len(rows) > 60
    for pixel in np.linspace(0, len(rows) - 1, 12).astype(int):
        row, column = int(rows[pixel]), int(columns[pixel])
        assert scene.depth[row, column] == pytest.approx(_march(solid, _ray(row, column)), abs=1e-3)


@pytest.mark.parametrize("name", sorted(SOLIDS))
def test_rays_that_miss_a_solid_do_not_show_it(name: str) -> None:
    scene = _render(SOLIDS[name])
    shown = scene.instance > 0
    around = np.zeros_like(shown)
    around[1:-1, 1:-1] = shown[2:, 1:-1] | shown[:-2, 1:-1] | shown[1:-1, 2:] | shown[1:-1, :-2]
    for row, column in np.argwhere(around & ~shown)[::6]:
        # A march may miss a grazing contact, the renderer may not show what the march misses clearly.
        assert _march(SOLIDS[name], _ray(int(row), int(column))) >= scene.depth[row, column] - 1e-3


def test_the_nearest_solid_wins() -> None:
    front = Solid("box", 0.0, 1.9, (0.2, 0.3, 0.2), PLAIN, yaw=0.3)
    back = Solid("barrel", 0.1, 2.7, (0.4, 0.6, 0.4), PLAIN)
    room, alone, both = _render(), [_render(front), _render(back)], _render(front, back)
    depths = np.stack([room.depth, alone[0].depth, alone[1].depth])
    assert np.array_equal(both.depth, depths.min(0))
    for category, scene in (("box", alone[0]), ("barrel", alone[1])):
        shown = both.category == _index(category)
        assert shown.any() and np.array_equal(both.depth[shown], scene.depth[shown])
    overlap = (alone[0].instance > 0) & (alone[1].instance > 0)
    assert overlap.any() and (both.category[overlap] == _index("box")).all()


def test_order_of_the_solids_does_not_change_what_is_seen() -> None:
    solids = [Solid("tent", -0.5, 2.2, (0.3, 0.4, 0.3), PLAIN), BALL]
    one, two = _render(*solids), _render(*reversed(solids))
    assert np.array_equal(one.category, two.category) and np.array_equal(one.image, two.image)


def test_a_rug_changes_labels_but_no_depth() -> None:
    rug = Patch("rug", 0, (0.0, 0.0, 2.0), ((1, 0, 0), (0, 0, 1)), (0.4, 0.3), PLAIN)
    with_rug, without = _render(patches=(rug,)), _render()
    changed = with_rug.category != without.category
    assert changed.any() and (with_rug.category[changed] == _index("rug")).all()
    assert (without.category[changed] == _index("floor")).all()
    assert np.array_equal(with_rug.depth, without.depth)
    for row, column in np.ndindex(SIZE):
        x, y, z = (without.depth[row, column] * r for r in _ray(row, column))
        on_rug = abs(CAMERA.height + y) < 1e-3 and abs(x) <= 0.4 and abs(z - 2) <= 0.3
        assert changed[row, column] == on_rug


def test_objects_label_and_instances_agree() -> None:
    for seed in range(12):
        scene = synthetic.render_scene(seed, SIZE)
        pixels = np.bincount(scene.instance.ravel())[1:]
        assert len(pixels) == len(scene.objects) and (pixels > 0).all()
        assert scene.label == scene.objects[int(pixels.argmax())]
        for number, name in enumerate(scene.objects, start=1):
            assert (scene.category[scene.instance == number] == _index(name)).all()
        assert not np.isin(scene.category[scene.instance == 0], [_index(n) for n in synthetic.SOLID_NAMES]).any()


def test_a_solid_that_is_hidden_is_no_object() -> None:
    hidden = Solid("box", 0.0, 3.0, (0.05, 0.05, 0.05), PLAIN)
    scene = _render(hidden, Solid("barrel", 0.0, 2.0, (0.4, 0.5, 0.4), PLAIN))
    assert scene.objects == ("barrel",) and set(np.unique(scene.instance)) == {0, 1}


def test_a_room_without_solids_has_no_label() -> None:
    scene = _render()
    assert (scene.label, scene.objects) == ("", ())


def test_depth_stays_in_the_range_of_a_room() -> None:
    for seed in range(40):
        depth = synthetic.render_scene(seed, SIZE).depth
        assert depth.min() > 0.7 and depth.max() < 9.5


def test_four_scenes_in_a_row_hold_all_solids() -> None:
    for start in (0, 17, 100_000):
        names = {name for seed in range(start, start + 4) for name in synthetic.render_scene(seed, SIZE).objects}
        assert names == set(synthetic.SOLID_NAMES)


def test_drawn_solids_stand_apart_and_inside_the_room() -> None:
    for seed in range(100):
        world = synthetic.draw_world(np.random.default_rng(seed))
        for index, solid in enumerate(world.solids):
            assert all(np.dot(p.normal, (solid.x, 1e-9, solid.z)) < p.offset for p in world.planes)
            assert 2 * solid.half[1] < world.planes[2].offset
            for other in world.solids[:index]:
                apart = math.hypot(solid.x - other.x, solid.z - other.z)
                assert apart > max(solid.half[::2]) + max(other.half[::2])


def test_a_solid_shades_the_floor_away_from_the_light() -> None:
    light = (0.6, 0.8, 0.0)  # from the right, so the shadow falls to the left
    world = World(CAMERA, ROOM, (), (BALL,), light=light, noise=0)
    floor = (scene := synthetic.render_world(world, SIZE)).category == _index("floor")
    dark = floor & (scene.image.sum(2) < scene.image[floor].sum(1).max() - 20)
    assert dark.any()
    assert np.nonzero(dark)[1].mean() < np.nonzero(scene.instance)[1].mean()


def test_an_open_room_is_refused() -> None:
    with pytest.raises(ValueError, match="must close the view"):
        synthetic.render_world(World(CAMERA, ROOM[:1]), SIZE)


def test_an_unknown_texture_is_refused() -> None:
    paisley = Material("paisley", PLAIN.colors)
    with pytest.raises(ValueError, match="Received 'paisley'"):
        synthetic.render_world(World(CAMERA, (Plane("floor", (0, -1, 0), 0, paisley), ROOM[1])), SIZE)


# ------------------------------------------------------------------------------------------------------------
# Categories and layouts.


def test_ids_are_distinct_and_those_of_the_datasets() -> None:
    ade20k = {category.name: category.ade20k_id for category in synthetic.CATEGORIES}
    assert ade20k == {
        "other": 0,
        "wall": 1,
        "floor": 4,
        "painting": 23,
        "rug": 29,
        "ball": 120,
        "box": 42,
        "barrel": 112,
        "tent": 115,
    }
    voc = [category.voc_id for category in synthetic.CATEGORIES if category.voc_id]
    assert len(set(voc)) == len(voc) == 4 and all(1 <= number <= 20 for number in voc)


def test_names_follow_the_official_layouts(tmp_path: Path) -> None:
    roots = synthetic_layouts.write_mini(tmp_path, train=2, val=1)
    ade20k, voc = tmp_path / "ade20k" / "ADEChallengeData2016", tmp_path / "voc2012" / "VOCdevkit" / "VOC2012"
    nyu, kitti = tmp_path / "nyu" / "nyu_depth_v2", tmp_path / "kitti"
    cityscapes, sunrgbd, imagenet = (tmp_path / name for name in ("cityscapes", "sunrgbd", "imagenet"))
    assert roots == {
        **{"ade20k": ade20k, "voc2012": voc, "cityscapes": cityscapes},
        **{"nyu": nyu, "kitti": kitti, "sunrgbd": sunrgbd, "imagenet": imagenet},
    }
    assert _files(ade20k) == {
        "images/training/ADE_train_00000001.jpg",
        "images/training/ADE_train_00000002.jpg",
        "images/validation/ADE_val_00000001.jpg",
        "annotations/training/ADE_train_00000001.png",
        "annotations/training/ADE_train_00000002.png",
        "annotations/validation/ADE_val_00000001.png",
    }
    stems = ["2007_000001", "2007_000002", "2007_500001"]
    assert _files(voc) == {
        *(f"JPEGImages/{stem}.jpg" for stem in stems),
        *(f"SegmentationClass/{stem}.png" for stem in stems),
        *(f"ImageSets/Segmentation/{name}.txt" for name in ("train", "val", "trainval")),
    }
    lists = {path.stem: path.read_text().split() for path in (voc / "ImageSets/Segmentation").iterdir()}
    assert lists == {"train": stems[:2], "val": stems[2:], "trainval": stems}
    assert _files(nyu) == {
        *(
            f"room_0001/{name}"
            for number in (1, 2)
            for name in (f"rgb_0000{number}.jpg", f"sync_depth_0000{number}.png")
        ),
        *("room/rgb_00001.jpg", "room/sync_depth_00001.png", "nyu_train.txt", "nyu_test.txt"),
    }
    assert (nyu / "nyu_train.txt").read_text().splitlines()[1] == (
        "/room_0001/rgb_00002.jpg /room_0001/sync_depth_00002.png 518.8579"
    )
    drives = {"2011_09_26_drive_0001_sync": (0, 1), "2011_09_26_drive_0101_sync": (0,)}
    names = [
        (drive, f"image_02/data/{n:010d}.png", f"image_02/{n:010d}.png") for drive in drives for n in drives[drive]
    ]
    assert _files(kitti) == {
        *(f"input/2011_09_26/{drive}/{image}" for drive, image, _ in names),
        *(f"gt_depth/{drive}/proj_depth/groundtruth/{depth}" for drive, _, depth in names),
        *("kitti_eigen_train.txt", "kitti_eigen_test.txt", "SYNTHETIC.json"),
    }
    assert [line.split()[1:] for line in (kitti / "kitti_eigen_test.txt").read_text().splitlines()] == [
        ["2011_09_26_drive_0101_sync/proj_depth/groundtruth/image_02/0000000000.png", "721.5377"],
        ["None", "721.5377"],
    ]
    frames = ("train/aachen/aachen", "train/bochum/bochum", "val/frankfurt/frankfurt")
    assert _files(cityscapes) == {
        *(f"leftImg8bit/{frame}_000000_000019_leftImg8bit.png" for frame in frames),
        *(f"gtFine/{frame}_000000_000019_gtFine_label{kind}.png" for frame in frames for kind in ("Ids", "TrainIds")),
        "SYNTHETIC.json",
    }
    image, depth = "SUNRGBD/kv2/kinect2data/0001/image/0000001.jpg", "SUNRGBD/kv2/kinect2data/0001/depth/0000001.png"
    assert _files(sunrgbd) == {image, depth, "SUNRGBD_val_splits.txt", "SYNTHETIC.json"}
    assert (sunrgbd / "SUNRGBD_val_splits.txt").read_text() == f"{image} {depth}\n"
    assert _files(imagenet) == {
        *(f"train/n0000000{n}/n0000000{n}_1.JPEG" for n in range(1, 9)),
        *(f"val/n0000000{n}/ILSVRC2012_val_0000000{n}.JPEG" for n in range(1, 9)),
        "SYNTHETIC.json",
    }


def test_ade20k_annotations_are_grey_and_within_the_150_classes(mini: Path) -> None:
    paths = sorted(mini.glob("ade20k/ADEChallengeData2016/annotations/*/*.png"))
    assert len(paths) == sum(COUNTS.values())
    for path in paths:
        with Image.open(path) as file:
            assert (file.mode, file.size) == ("L", (160, 128))
            assert np.asarray(file).max() <= 150


def test_ade20k_annotation_is_the_category_of_the_scene(mini: Path) -> None:
    scene = synthetic.render_scene(synthetic_layouts.split_seeds("ade20k", "val", 2)[1])
    folder = mini / "ade20k/ADEChallengeData2016"
    ids = np.asarray(Image.open(folder / "annotations/validation/ADE_val_00000002.png"))
    for index, category in enumerate(synthetic.CATEGORIES):
        assert np.array_equal(scene.category == index, ids == category.ade20k_id)
    image = np.asarray(Image.open(folder / "images/validation/ADE_val_00000002.jpg"), np.float64)
    assert abs(image - scene.image).mean() < 6  # JPEG halves the resolution of colour


def test_voc_masks_are_palette_images_with_the_official_colors(mini: Path) -> None:
    paths = sorted(mini.glob("voc2012/VOCdevkit/VOC2012/SegmentationClass/*.png"))
    assert len(paths) == sum(COUNTS.values())
    for path in paths:
        with Image.open(path) as file:
            assert (file.mode, file.size) == ("P", (160, 128))
            assert set(np.unique(np.asarray(file))) <= {*range(21), 255}
            palette = np.reshape(file.getpalette(), (-1, 3))
    colors = {0: (0, 0, 0), 5: (128, 0, 128), 16: (0, 64, 0), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert {label: tuple(palette[label].tolist()) for label in colors} == colors


def test_voc_border_is_on_the_outlines_of_solids_and_nowhere_else() -> None:
    for seed in range(6):
        scene = synthetic.render_scene(seed, SIZE)
        mask, instance = synthetic_layouts.voc2012_mask(scene), scene.instance
        assert (mask == 255).any()
        for row, column in np.ndindex(SIZE):
            around = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
            inside = [(r, c) for r, c in around if 0 <= r < SIZE[0] and 0 <= c < SIZE[1]]
            outline = any(instance[place] != instance[row, column] for place in inside)
            category = synthetic.CATEGORIES[scene.category[row, column]]
            assert mask[row, column] == (255 if outline else category.voc_id)


def test_ignored_pixels_occur_in_both_datasets(mini: Path) -> None:
    ade20k = [np.asarray(Image.open(p)) for p in mini.glob("ade20k/*/annotations/validation/*.png")]
    voc = [np.asarray(Image.open(p)) for p in mini.glob("voc2012/*/*/SegmentationClass/*.png")]
    assert 0.001 < np.mean([(mask == 0).mean() for mask in ade20k]) < 0.1
    assert 0.001 < np.mean([(mask == 255).mean() for mask in voc]) < 0.1


def test_every_category_of_val_occurs_in_train(mini: Path) -> None:
    ids = {category.ade20k_id for category in synthetic.CATEGORIES}
    for split in ("training", "validation"):
        masks = [np.asarray(Image.open(p)) for p in mini.glob(f"ade20k/*/annotations/{split}/*.png")]
        assert set(np.unique(masks)) == ids
    ids = {category.voc_id for category in synthetic.CATEGORIES} | {255}
    voc = mini / "voc2012/VOCdevkit/VOC2012"
    for split, count in COUNTS.items():
        stems = (voc / f"ImageSets/Segmentation/{split}.txt").read_text().split()
        masks = [np.asarray(Image.open(voc / f"SegmentationClass/{stem}.png")) for stem in stems]
        assert len(masks) == count and set(np.unique(masks)) == ids


def test_nyu_depth_is_that_of_the_scene_in_millimetres(mini: Path) -> None:
    scene = synthetic.render_scene(synthetic_layouts.split_seeds("nyu", "train", 20)[17])
    with Image.open(mini / "nyu/nyu_depth_v2/room_0002/sync_depth_00018.png") as file:
        assert (file.mode, file.size) == ("I;16", (160, 128))
        depth = np.asarray(file)
    assert abs(depth / 1000 - scene.depth).max() < 0.0006
    image = np.asarray(Image.open(mini / "nyu/nyu_depth_v2/room_0002/rgb_00018.jpg"), np.float64)
    assert abs(image - scene.image).mean() < 6


def test_kitti_depth_is_sparse_and_that_of_a_scene_ten_times_as_large(mini: Path) -> None:
    scene = synthetic.render_scene(synthetic_layouts.split_seeds("kitti", "val", 2)[1], (120, 304))
    drive = "2011_09_26_drive_0101_sync"
    with Image.open(mini / f"kitti/gt_depth/{drive}/proj_depth/groundtruth/image_02/0000000001.png") as file:
        assert (file.mode, file.size) == ("I;16", (304, 120))
        depth = np.asarray(file) / 256
    assert 0.78 < (depth == 0).mean() < 0.82  # as in the real files
    assert not depth[:36].any()
    assert abs(depth - 10 * scene.depth)[depth > 0].max() < 0.003
    image = np.asarray(Image.open(mini / f"kitti/input/2011_09_26/{drive}/image_02/data/0000000001.png"))
    assert np.array_equal(image, scene.image)


def test_cityscapes_labels_come_in_both_numberings_with_a_rim_that_is_not_scored(mini: Path) -> None:
    from benchmark.data.cityscapes_labels import TRAIN_ID_OF

    scene = synthetic.render_scene(synthetic_layouts.split_seeds("cityscapes", "val", 3)[2], (80, 160))
    stem = mini / "cityscapes/gtFine/val/frankfurt/frankfurt_000001_000019_gtFine"
    ids, train_ids = (np.asarray(Image.open(f"{stem}_{kind}.png")) for kind in ("labelIds", "labelTrainIds"))
    assert set(np.unique(ids[-4:])) | set(np.unique(ids[0])) == {1, 3}
    assert ((train_ids == 255) == ~np.isin(ids, list(TRAIN_ID_OF))).all()
    inside = np.s_[1:-4, 1:-1]
    for index, category in enumerate(synthetic.CATEGORIES):
        shown = (scene.category == index)[inside]
        assert np.array_equal(shown, ids[inside] == category.cityscapes_id)
        assert np.array_equal(shown, train_ids[inside] == TRAIN_ID_OF[category.cityscapes_id])
    image = np.asarray(Image.open(str(stem).replace("gtFine", "leftImg8bit") + ".png"))
    assert np.array_equal(image, scene.image)


def test_sunrgbd_depth_is_that_of_the_scene_through_the_reader(mini: Path) -> None:
    from benchmark.data import DATASETS
    from benchmark.data.depth import DepthSplit

    scene = synthetic.render_scene(synthetic_layouts.split_seeds("sunrgbd", "val", 2)[1])
    results = DepthSplit(DATASETS["sunrgbd"], mini, "val").load(1)
    assert abs(results["gt_depth_map"] - scene.depth).max() < 0.0006
    assert abs(results["img"][..., ::-1].astype(float) - scene.image).mean() < 6


def test_the_class_of_an_imagenet_picture_is_the_object_in_front() -> None:
    from benchmark.data.synthetic_layouts import imagenet

    for seed, (shape, texture) in enumerate(imagenet.CLASSES):
        world = imagenet._in_front(synthetic.draw_world(np.random.default_rng(seed), 0.8, shape), texture)
        assert (world.solids[0].category, world.solids[0].material.texture) == (shape, texture)
        assert all(solid.z > world.solids[0].z for solid in world.solids[1:])
        scene = synthetic.render_world(world, (128, 160))
        found = imagenet.render_object(seed, seed, (128, 160))
        assert (scene.instance == 1).sum() > 0.2 * found.shape[0] * found.shape[1]
        places = [
            (top, left)
            for top in range(129 - found.shape[0])
            for left in range(161 - found.shape[1])
            if np.array_equal(scene.image[top, left : left + 9], found[0, :9])
        ]
        [(top, left)] = places
        inside = (scene.instance == 1)[top : top + found.shape[0], left : left + found.shape[1]]
        assert inside.sum() == (scene.instance == 1).sum()


def test_the_imagenet_classes_can_be_told_apart_but_not_by_chance_or_colour_alone(mini: Path) -> None:
    """Nearest neighbour on 8 x 8 raw pixels: above the eighth that guessing gives, far from all."""
    from benchmark.data import DATASETS
    from benchmark.data.classification import ClassificationSplit

    features = {}
    splits = {name: ClassificationSplit(DATASETS["imagenet"], mini, name) for name in COUNTS}
    for name, split in splits.items():
        small = [np.asarray(Image.fromarray(split.load(i)).resize((8, 8))) for i in range(len(split))]
        features[name] = np.reshape(small, (len(split), -1)).astype(float)
    assert {name: np.bincount(split.labels).tolist() for name, split in splits.items()} == {
        "train": [12] * 8,
        "val": [6] * 8,
    }
    distance = ((features["val"][:, None] - features["train"][None]) ** 2).sum(-1)
    hits = splits["train"].labels[distance.argmin(1)] == splits["val"].labels
    assert 0.15 < hits.mean() < 0.8


def test_no_scene_occurs_twice_in_splits_datasets_or_runs(mini: Path) -> None:
    pngs = (*mini.glob("kitti/input/**/*.png"), *mini.glob("cityscapes/leftImg8bit/**/*.png"))
    images = [path.read_bytes() for path in (*mini.rglob("*.jpg"), *mini.rglob("*.JPEG"), *pngs)]
    assert len(set(images)) == len(images) == (5 + 2) * sum(COUNTS.values()) + COUNTS["val"]
    dense = ("ade20k", "voc2012", "nyu", "kitti", "cityscapes", "imagenet")
    pairs = [*((dataset, split) for dataset in dense for split in COUNTS), ("sunrgbd", "val")]
    ranges = [synthetic_layouts.split_seeds(*pair, 100_000, seed) for pair in pairs for seed in (0, 1)]
    ends = sorted((seeds[0], seeds[-1]) for seeds in ranges)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(ends))


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        synthetic_layouts.write_mini(tmp_path / name, train=2, val=1, seed=seed)
    one, two, other = (_bytes(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one.keys() == other.keys()
    assert not {one[name] for name in one if name.endswith(".jpg")} & set(other.values())


def test_a_smaller_set_begins_with_the_same_scenes(tmp_path: Path) -> None:
    synthetic_layouts.write_ade20k(tmp_path / "small", train=1, val=1)
    synthetic_layouts.write_ade20k(tmp_path / "large", train=2, val=2)
    small, large = _bytes(tmp_path / "small"), _bytes(tmp_path / "large")
    assert all(large[name] == small[name] for name in small if not name.endswith(".json"))


def test_writing_again_keeps_a_complete_folder(tmp_path: Path) -> None:
    root = synthetic_layouts.write_ade20k(tmp_path, train=1, val=1)
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    synthetic_layouts.write_ade20k(tmp_path, train=1, val=1)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times


def test_other_settings_replace_the_folder_and_leave_no_old_file(tmp_path: Path) -> None:
    root = synthetic_layouts.write_ade20k(tmp_path, train=3, val=1)
    synthetic_layouts.write_ade20k(tmp_path, train=1, val=1)
    assert [path.name for path in (root / "images/training").iterdir()] == ["ADE_train_00000001.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["ade20k"]


def test_a_folder_that_may_hold_real_data_is_left_alone(tmp_path: Path) -> None:
    image = tmp_path / "ade20k/ADEChallengeData2016/images/training/ADE_train_00000001.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"real")
    with pytest.raises(DataError, match="may be real data"):
        synthetic_layouts.write_ade20k(tmp_path, train=1, val=1)
    assert image.read_bytes() == b"real"


def test_an_interrupted_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seed: int, size: tuple[int, int]) -> Scene:
        raise KeyboardInterrupt

    monkeypatch.setattr(voc2012, "render_scene", fail)
    with pytest.raises(KeyboardInterrupt):
        synthetic_layouts.write_voc2012(tmp_path, train=1, val=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("train", "val", "seed"), [(0, 1, 0), (1, 0, 0), (100_001, 1, 0), (1, 1, -1)])
def test_counts_and_seeds_out_of_range_are_refused(tmp_path: Path, train: int, val: int, seed: int) -> None:
    with pytest.raises(ValueError, match="Received"):
        synthetic_layouts.write_mini(tmp_path, train=train, val=val, seed=seed)
    assert not list(tmp_path.iterdir())


def _bytes(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _files(root: Path) -> set[str]:
    return set(_bytes(root))
