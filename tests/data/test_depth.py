"""Depth splits and samples: what lists may say, what is refused, what the augmentation does."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.backbones import Preprocessing
from benchmark.data.dataset import DepthEncoding
from benchmark.data.depth import DepthSplit, read_depth
from benchmark.data.registry import DATASETS
from benchmark.data.split import data_fingerprint, refuse_overlap
from benchmark.errors import DataError
from benchmark.load_protocol import load_protocol
from benchmark.protocols.depth import DepthTrain, FixedCrop
from benchmark.samples.depth import test_sample as make_test_sample
from benchmark.samples.depth import train_sample
from benchmark.samples.loader import training_batches
from benchmark.samples.sample_order import SampleOrder

NYU, KITTI = DATASETS["nyu"], DATASETS["kitti"]
MM = DepthEncoding(per_metre=1000)


@pytest.fixture
def own_data(mini_data: Path, tmp_path: Path) -> Path:
    """A copy of the rendered NYU and KITTI that a test may damage."""
    for name in ("nyu", "kitti"):
        shutil.copytree(mini_data / name, tmp_path / "data" / name)
    return tmp_path / "data"


def _train_list(root: Path) -> Path:
    return NYU.root(root) / "nyu_train.txt"


def _depth(root: Path, number: int = 1) -> Path:
    return NYU.root(root) / f"room_0001/sync_depth_{number:05d}.png"


def _image(root: Path, number: int = 1) -> Path:
    return NYU.root(root) / f"room_0001/rgb_{number:05d}.jpg"


def _load_first(root: Path) -> None:
    DepthSplit(NYU, root, "train").load(0)


def _plain(**changes: object) -> DepthTrain:
    """The augmentation of NYU's mini protocol without anything random, and what a test wants of it."""
    settings = load_protocol("nyu", "mini").settings.train
    off = {"rotate_share": 0.0, "flip": 0.0, "color_share": 0.0, "crop": (128, 160)}
    return settings.model_copy(update={**off, **changes})


# ----------------------------------------------------------------------------------------------------------------------
# Lists.


def test_a_split_keeps_the_order_of_its_list(own_data: Path) -> None:
    lines = _train_list(own_data).read_text().splitlines()
    _train_list(own_data).write_text("\n".join(reversed(lines)))
    names = [f"room_0001/rgb_{number:05d}.jpg" for number in (6, 5, 4, 3, 2, 1)]
    assert DepthSplit(NYU, own_data, "train").names == names
    assert DepthSplit(NYU, own_data, "train", limit=2).names == names[:2]


def test_a_line_that_begins_with_a_slash_stays_inside_the_root(mini_data: Path) -> None:
    assert _train_list(mini_data).read_text().startswith("/room_0001/rgb_00001.jpg /room_0001/")
    split = DepthSplit(NYU, mini_data, "train")
    assert all(path.parent == NYU.root(mini_data) / "room_0001" for path in split.files)


@pytest.mark.parametrize("path", ["../../outside.jpg", "/../outside.jpg", "room_0001/../../outside.jpg"])
def test_a_path_that_leaves_the_root_is_refused(own_data: Path, path: str) -> None:
    outside = NYU.root(own_data).parent / "outside.jpg"
    shutil.copy(_image(own_data), outside)
    with _train_list(own_data).open("a") as file:
        file.write(f"{path} room_0001/sync_depth_00001.png 518.8579\n")
    with pytest.raises(DataError, match=r"nyu_train\.txt, line 7: .*outside\.jpg is outside .*nyu_depth_v2"):
        DepthSplit(NYU, own_data, "train")


def test_dots_that_stay_inside_are_allowed(own_data: Path) -> None:
    _train_list(own_data).write_text("room/../room_0001/rgb_00001.jpg room_0001/sync_depth_00001.png\n")
    assert DepthSplit(NYU, own_data, "train").names == ["room_0001/rgb_00001.jpg"]


def test_images_without_ground_truth_are_left_out(mini_data: Path) -> None:
    lines = (KITTI.root(mini_data) / "kitti_eigen_test.txt").read_text().splitlines()
    assert lines[-1].split()[1] == "None"
    assert len(DepthSplit(KITTI, mini_data, "val")) == len(lines) - 1 == 3


def test_empty_lines_and_a_byte_order_mark_are_no_lines(own_data: Path) -> None:
    text = _train_list(own_data).read_text().replace("\n", "\r\n\r\n")
    _train_list(own_data).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(DepthSplit(NYU, own_data, "train")) == 6


@pytest.mark.parametrize("line", ["only.jpg", "a.jpg b.png 518.8 more", "a.jpg b.png focal", "a b c.jpg d e c.png"])
def test_a_malformed_line_is_named_by_number(own_data: Path, line: str) -> None:
    with _train_list(own_data).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=r'nyu_train\.txt, line 7: expected "image depth" or "image depth focal"'):
        DepthSplit(NYU, own_data, "train")


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("which", [_image, _depth])
def test_a_file_that_is_listed_and_not_there_is_named(own_data: Path, which: Callable, number: int) -> None:
    which(own_data, number).unlink()
    with pytest.raises(
        DataError, match=rf"{which(own_data, number).name} is missing; 'train' needs an image and its depth"
    ):
        DepthSplit(NYU, own_data, "train")


def test_where_images_were_looked_for_is_told(own_data: Path) -> None:
    for path in _image(own_data).parent.glob("*.jpg"):
        path.unlink()
    with pytest.raises(DataError, match=r"none of its images is under .* or .*sync, for example room_0001/rgb_00001"):
        DepthSplit(NYU, own_data, "train")


def test_a_missing_list_and_an_empty_one_are_refused(own_data: Path) -> None:
    _train_list(own_data).write_text("room_0001/rgb_00001.jpg None 518.8579\n")
    with pytest.raises(DataError, match="no images of split 'train'"):
        DepthSplit(NYU, own_data, "train")
    _train_list(own_data).unlink()
    with pytest.raises(DataError, match=r"no .*nyu_train\.txt; --data-root must hold nyu/nyu_depth_v2/"):
        DepthSplit(NYU, own_data, "train")


def test_an_unknown_split_is_refused(mini_data: Path) -> None:
    with pytest.raises(DataError, match=r"nyu has no split 'test'.*splits: train, val"):
        DepthSplit(NYU, mini_data, "test")


def test_an_image_in_train_and_val_is_refused(own_data: Path) -> None:
    shutil.copy(_train_list(own_data), NYU.root(own_data) / "nyu_test.txt")
    splits = [DepthSplit(NYU, own_data, name) for name in ("train", "val")]
    with pytest.raises(DataError, match="6 images are in both 'train' and 'val'"):
        refuse_overlap(*splits)


def test_equal_names_in_different_datasets_are_no_overlap(own_data: Path) -> None:
    other = replace(NYU, name="other")
    refuse_overlap(DepthSplit(NYU, own_data, "train"), DepthSplit(other, own_data, "train"))


def test_the_fingerprint_of_two_datasets_follows_both(own_data: Path) -> None:
    nyu, kitti = DepthSplit(NYU, own_data, "train"), DepthSplit(KITTI, own_data, "val")
    before = data_fingerprint([nyu, kitti])
    assert before not in (data_fingerprint([nyu]), data_fingerprint([kitti]))
    for path in (nyu.files[0], kitti.files[-1]):
        path.write_bytes(path.read_bytes() + b"\0")
        after = data_fingerprint([nyu, kitti])
        assert after != before
        before = after


def test_fingerprint_follows_images_and_depth_maps(own_data: Path) -> None:
    before = data_fingerprint([DepthSplit(NYU, own_data, "train")])
    for path in (_image(own_data), _depth(own_data)):
        path.write_bytes(path.read_bytes() + b"\0")
        after = data_fingerprint([DepthSplit(NYU, own_data, "train")])
        assert after != before
        before = after


# ----------------------------------------------------------------------------------------------------------------------
# Files.


def test_depth_is_in_metres_and_zero_stays_zero() -> None:
    values = np.array([[0, 1, 1000, 65535]], np.uint16)
    np.testing.assert_array_equal(MM.decode(values), np.float32([[0, 0.001, 1, 65.535]]))
    np.testing.assert_array_equal(DepthEncoding(256).decode(values), np.float32(values) / 256)


def test_rendered_depth_is_read_to_half_a_unit(mini_data: Path) -> None:
    from benchmark.synthetic.datasets import split_seeds
    from benchmark.synthetic.rooms import render_room

    rendering = render_room(split_seeds("nyu", "train", 2)[1])
    depth = DepthSplit(NYU, mini_data, "train").load(1)["gt_depth_map"]
    assert depth.dtype == np.float32
    assert abs(depth - rendering.depth).max() <= 0.0005 + 1e-6


def test_depth_of_another_size_than_its_image_is_named(own_data: Path) -> None:
    Image.fromarray(np.ones((128, 159), np.uint16)).save(_depth(own_data))
    with pytest.raises(DataError, match=r"sync_depth_00001\.png: the depth map is 159x128, its image .* is 160x128"):
        _load_first(own_data)


@pytest.mark.parametrize(("shape", "kind"), [((128, 160), "8-bit grey"), ((128, 160, 3), "8-bit RGB")])
def test_8_bit_depth_is_refused(own_data: Path, shape: tuple[int, ...], kind: str) -> None:
    Image.fromarray(np.ones(shape, np.uint8)).save(_depth(own_data))
    with pytest.raises(DataError, match=rf"sync_depth_00001\.png: depth maps are 16-bit grey PNG.* this one is {kind}"):
        _load_first(own_data)


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1)])
def test_a_depth_map_of_one_row_or_column_keeps_its_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    values = np.arange(1, 1 + shape[0] * shape[1], dtype=np.uint16).reshape(shape)
    Image.fromarray(values).save(tmp_path / "depth.png")
    np.testing.assert_array_equal(read_depth(tmp_path / "depth.png", MM), values.astype(np.float32) / 1000)


def test_an_image_that_is_listed_twice_is_refused_by_list_and_lines(own_data: Path) -> None:
    with _train_list(own_data).open("a") as file:
        file.write("\n./room_0001/../room_0001/rgb_00002.jpg /room_0001/sync_depth_00003.png 518.8579\n")
    with pytest.raises(DataError, match=r"nyu_train\.txt, line 8: room_0001/rgb_00002\.jpg stands in line 2 already; "):
        DepthSplit(NYU, own_data, "train", limit=1)


def test_a_depth_map_that_belongs_to_two_images_is_refused(own_data: Path) -> None:
    shutil.copy(_image(own_data, 2), _image(own_data, 9))
    with _train_list(own_data).open("a") as file:
        file.write("room_0001/rgb_00009.jpg room_0001/sync_depth_00002.png 518.8579\n")
    with pytest.raises(DataError, match=r"nyu_train\.txt, line 7: room_0001/sync_depth_00002\.png stands in line 2 "):
        DepthSplit(NYU, own_data, "train")


def test_an_image_in_place_of_a_depth_map_and_the_reverse_are_refused(own_data: Path) -> None:
    shutil.copy(_depth(own_data), _image(own_data))
    with pytest.raises(DataError, match=r"rgb_00001\.jpg: pictures have 8 bits"):
        _load_first(own_data)


@pytest.mark.parametrize("which", [_image, _depth])
def test_a_truncated_file_is_named(own_data: Path, which: Callable) -> None:
    path = which(own_data)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"{path.name} cannot be read"):
        _load_first(own_data)


def test_a_map_without_any_measurement_is_legal(own_data: Path) -> None:
    Image.fromarray(np.zeros((128, 160), np.uint16)).save(_depth(own_data))
    sample = train_sample(DepthSplit(NYU, own_data, "train"), _plain(), Preprocessing())(0)
    assert not sample.depth.any()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_images_are_read(own_data: Path, mode: str) -> None:
    with Image.open(_image(own_data)) as file:
        file.convert(mode).save(_image(own_data))
    assert DepthSplit(NYU, own_data, "train").load(0)["img"].shape == (128, 160, 3)


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_exif_orientation_turns_no_image(own_data: Path, orientation: int) -> None:
    with Image.open(_image(own_data)) as file:
        pixels = np.array(file)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(_image(own_data), quality=95, exif=exif)
    image = DepthSplit(NYU, own_data, "train").load(0)["img"][..., ::-1].astype(float)
    assert abs(image - pixels).mean() < 5


# ----------------------------------------------------------------------------------------------------------------------
# Samples.


@pytest.mark.parametrize(("name", "size"), [("nyu", (128, 160)), ("kitti", (112, 280))])
def test_test_samples_are_whole_images_with_depth_of_the_same_size(
    mini_data: Path, name: str, size: tuple[int, int]
) -> None:
    split = DepthSplit(DATASETS[name], mini_data, "val")
    sample = make_test_sample(split, load_protocol(name, "mini").settings.test, Preprocessing())(0)
    assert tuple(sample.image.shape) == (3, *size)
    assert tuple(sample.depth.shape) == size
    assert (sample.image.dtype, sample.depth.dtype) == (torch.float32, torch.float32)


def test_test_depth_is_untouched(mini_data: Path) -> None:
    split = DepthSplit(NYU, mini_data, "val")
    sample = make_test_sample(split, load_protocol("nyu", "mini").settings.test, Preprocessing())(1)
    expected = read_depth(NYU.root(mini_data) / "room/sync_depth_00002.png", MM)
    np.testing.assert_array_equal(sample.depth, expected)


@pytest.mark.parametrize(
    ("crop", "rows", "columns"),
    [
        (FixedCrop(top=45, left=43, height=60, width=100), (45, 105), (43, 143)),
        (FixedCrop(top="bottom", left="centre", height=60, width=101), (68, 128), (29, 130)),
    ],
)
def test_the_fixed_crop_takes_the_same_part_of_image_and_depth(
    mini_data: Path, crop: FixedCrop, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    split = DepthSplit(NYU, mini_data, "train")
    settings = load_protocol("nyu", "mini").settings.test
    whole = make_test_sample(split, settings, Preprocessing())(0)
    part = make_test_sample(split, settings.model_copy(update={"fixed_crop": crop}), Preprocessing())(0)
    assert torch.equal(part.depth, whole.depth[slice(*rows), slice(*columns)])
    assert torch.equal(part.image, whole.image[:, slice(*rows), slice(*columns)])


@pytest.mark.parametrize(
    "crop",
    [
        FixedCrop(top=45, left=43, height=427, width=565),
        FixedCrop(top="bottom", left="centre", height=129, width=100),
        FixedCrop(top="bottom", left="centre", height=100, width=161),
    ],
)
def test_an_image_too_small_for_the_fixed_crop_is_named(mini_data: Path, crop: FixedCrop) -> None:
    sample = train_sample(DepthSplit(NYU, mini_data, "train"), _plain(fixed_crop=crop), Preprocessing())
    with pytest.raises(DataError, match=r"rgb_00001\.jpg is 160x128, too small for the fixed crop of .*set a smaller"):
        sample(0)


def test_an_image_too_small_for_the_random_crop_is_named(mini_data: Path) -> None:
    sample = train_sample(DepthSplit(NYU, mini_data, "train"), _plain(crop=(128, 161)), Preprocessing())
    with pytest.raises(DataError, match=r"rgb_00001\.jpg: 128 rows of 160 pixels are left, too few for .* 128 x 161"):
        sample(0)


def test_without_chance_a_training_sample_is_the_image(mini_data: Path) -> None:
    split = DepthSplit(NYU, mini_data, "train")
    whole = make_test_sample(split, load_protocol("nyu", "mini").settings.test, Preprocessing())(2)
    sample = train_sample(split, _plain(), Preprocessing())(2)
    assert torch.equal(sample.image, whole.image)
    assert torch.equal(sample.depth, whole.depth)


def test_flips_turn_image_and_depth_together(mini_data: Path) -> None:
    split = DepthSplit(NYU, mini_data, "train")
    plain, flipped = (train_sample(split, _plain(flip=share), Preprocessing())(0) for share in (0.0, 1.0))
    assert torch.equal(flipped.image, plain.image.flip(-1))
    assert torch.equal(flipped.depth, plain.depth.flip(-1))


def test_random_crops_are_the_same_place_of_image_and_depth(mini_data: Path) -> None:
    split = DepthSplit(NYU, mini_data, "train")
    whole, sample = (train_sample(split, _plain(crop=crop), Preprocessing()) for crop in ((128, 160), (112, 120)))
    np.random.seed(5)
    part, all_of_it = sample(0), whole(0)
    places = [
        (row, column)
        for row, column in itertools.product(range(17), range(41))
        if torch.equal(part.depth, all_of_it.depth[row : row + 112, column : column + 120])
    ]
    assert len(places) == 1
    [(row, column)] = places
    assert torch.equal(part.image, all_of_it.image[:, row : row + 112, column : column + 120])


def test_rotation_invents_no_depth_and_leaves_the_corners_empty(mini_data: Path) -> None:  # trap 35
    split = DepthSplit(KITTI, mini_data, "train")
    settings = _plain(rotate=2.5, rotate_share=1.0, crop=(120, 304))
    before = train_sample(split, settings.model_copy(update={"rotate_share": 0.0}), Preprocessing())(0)
    np.random.seed(0)
    after = train_sample(split, settings, Preprocessing())(0)
    assert not torch.equal(before.depth, after.depth)
    assert set(after.depth.unique().tolist()) <= set(before.depth.unique().tolist())  # nearest: no value in between
    black = -torch.tensor(Preprocessing().mean) / torch.tensor(Preprocessing().std)
    torch.testing.assert_close(after.image[:, 0, -1], black)
    colours = [set(map(tuple, sample.image.flatten(1).T.tolist())) for sample in (before, after)]
    assert len(colours[1] - colours[0]) > len(colours[1]) / 2  # bilinear: new colours


def test_rotation_is_about_the_centre_by_the_drawn_angle(mini_data: Path) -> None:
    split = DepthSplit(NYU, mini_data, "train")
    sample = train_sample(split, _plain(rotate=2.5, rotate_share=1.0), Preprocessing())
    raw = split.load(0)
    for seed in range(6):
        np.random.seed(seed)
        depth = sample(0).depth.numpy()
        generator = np.random.RandomState(seed)
        generator.rand()
        angle = np.deg2rad(generator.uniform(-2.5, 2.5))
        rows, columns = np.indices(depth.shape) - np.array([63.5, 79.5])[:, None, None]
        source = np.stack(  # clockwise on the screen, so the way back is anticlockwise
            [
                np.cos(angle) * rows - np.sin(angle) * columns + 63.5,
                np.sin(angle) * rows + np.cos(angle) * columns + 79.5,
            ]
        )
        near = np.rint(source).astype(int)
        inside = ((near >= 0) & (near < np.array([[[128]], [[160]]]))).all(0)
        expected = np.where(inside, raw["gt_depth_map"][tuple(near.clip(0, [[[127]], [[159]]]))], 0)
        assert (depth == expected).mean() > 0.97  # OpenCV rounds coordinates to 1/1024 before it takes the nearest


def test_colours_change_as_published_on_values_of_0_to_255(mini_data: Path) -> None:
    settings = _plain(color_share=1.0)
    split = DepthSplit(NYU, mini_data, "train")
    for seed in range(4):
        np.random.seed(seed)
        sample = train_sample(split, settings, Preprocessing())(0)
        generator = np.random.RandomState(seed)
        generator.rand()  # whether to rotate
        generator.uniform()
        generator.random_sample()  # whether to flip
        generator.randint(0, 1), generator.randint(0, 1)  # where to crop: one place only
        generator.rand()
        gamma, brightness = generator.uniform(0.9, 1.1), generator.uniform(0.75, 1.25)
        image = split.load(0)["img"] ** gamma * brightness * generator.uniform(0.9, 1.1, 3)
        rgb = image.clip(0, 255)[..., ::-1] / 255
        expected = torch.from_numpy((rgb - Preprocessing().mean) / Preprocessing().std).permute(2, 0, 1).float()
        torch.testing.assert_close(sample.image, expected, atol=1e-5, rtol=0)


def test_half_of_the_samples_change_in_each_way(mini_data: Path) -> None:
    split = DepthSplit(NYU, mini_data, "train")
    plain = train_sample(split, _plain(), Preprocessing())(0)
    for change in ("rotate_share", "flip", "color_share"):
        sample = train_sample(split, _plain(rotate=2.5, **{change: 0.5}), Preprocessing())
        np.random.seed(0)
        changed = sum(not torch.equal(sample(0).image, plain.image) for _ in range(60))
        assert 18 <= changed <= 42, change


def test_no_rotation_at_all_can_be_asked_for(mini_data: Path) -> None:
    sample = train_sample(DepthSplit(NYU, mini_data, "train"), _plain(rotate=0.0, rotate_share=1.0), Preprocessing())
    assert sample(0).depth.shape == (128, 160)


@pytest.mark.parametrize("name", ["nyu", "kitti"])
def test_batches_are_a_function_of_seed_and_step(mini_data: Path, name: str) -> None:
    split = DepthSplit(DATASETS[name], mini_data, "train")
    load = train_sample(split, load_protocol(name, "mini").settings.train, Preprocessing())

    def batches(steps: range) -> list[list]:
        return list(training_batches(load, list, order=SampleOrder(len(split), 2, 3), steps=steps))

    whole, resumed = batches(range(3)), batches(range(2, 3))
    for one, two in zip(whole[2], resumed[0], strict=True):
        assert torch.equal(one.image, two.image)
        assert torch.equal(one.depth, two.depth)
        assert tuple(one.image.shape) == (3, 112, 112)


def test_lookup_of_colours_equals_arithmetic_on_every_pixel() -> None:
    from benchmark.samples.transforms import RandomGammaBrightnessColor

    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    change = RandomGammaBrightnessColor(1.0, gamma=(1.1, 1.1), brightness=(1.2, 1.2), color=(0.9, 0.9))
    result = change({"img": image[:, ::-1]})["img"]
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, (image[:, ::-1].astype(float) ** 1.1 * 1.08).clip(0, 255), rtol=1e-6)
