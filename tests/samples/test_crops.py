"""Pillow crops against torchvision's algorithm written out, and against transformers' image processors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from benchmark.samples.crops import central_box, centre_crop, random_box, random_flip, random_resized_crop, resize_short

SIZES = [(500, 375), (375, 500), (224, 224), (97, 301), (640, 33), (256, 257), (1, 7)]
RATIO = (3 / 4, 4 / 3)


def _picture(size: tuple[int, int], seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("short", [256, 224, 112])
def test_the_short_side_is_exact_and_the_long_side_rounded_down(size: tuple[int, int], short: int) -> None:
    found = resize_short(_picture(size), short, "bicubic").size
    assert min(found) == short
    assert max(found) == short * max(size) // min(size)  # exact integers; torchvision divides floats
    assert (found[0] <= found[1]) == (size[0] <= size[1])


@pytest.mark.parametrize("side", [1, 5, 8, 223, 224])
@pytest.mark.parametrize("size", [(256, 341), (257, 256), (224, 225), (227, 224)])
def test_the_centre_is_cut_where_torchvision_cuts(size: tuple[int, int], side: int) -> None:
    pixels = np.arange(size[0] * size[1]).reshape(size[1], size[0])
    top, left = int(round((size[1] - side) / 2.0)), int(round((size[0] - side) / 2.0))  # noqa: RUF046
    found = centre_crop(Image.fromarray(pixels.astype(np.int32)), side)
    np.testing.assert_array_equal(np.asarray(found), pixels[top : top + side, left : left + side])


@pytest.mark.parametrize(("resample", "name"), [(3, "bicubic"), (2, "bilinear")])
@pytest.mark.parametrize("size", [(500, 400), (400, 500), (640, 321), (300, 300)])
def test_resize_and_centre_crop_equal_transformers(size: tuple[int, int], resample: int, name: str) -> None:
    """Where margins are even: transformers rounds odd ones down, torchvision to the even neighbour."""
    transformers = pytest.importorskip("transformers")
    processor = transformers.BitImageProcessorPil(
        size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, resample=resample,
        do_rescale=False, do_normalize=False,
    )  # fmt: skip
    picture = _picture(size)
    theirs = processor(picture, return_tensors="np")["pixel_values"][0]
    ours = centre_crop(resize_short(picture, 256, name), 224)
    np.testing.assert_array_equal(np.asarray(ours).transpose(2, 0, 1), theirs)


def _torchvision_params(size: tuple[int, int], scale: tuple, ratio: tuple) -> tuple[int, int, int, int]:
    """``RandomResizedCrop.get_params`` written out, with numpy's generator for torch's: (i, j, h, w)."""
    width, height = size
    area = height * width
    log_ratio = (math.log(ratio[0]), math.log(ratio[1]))
    for _ in range(10):
        target_area = area * np.random.uniform(scale[0], scale[1])
        aspect_ratio = math.exp(np.random.uniform(log_ratio[0], log_ratio[1]))
        w = int(round(math.sqrt(target_area * aspect_ratio)))  # noqa: RUF046
        h = int(round(math.sqrt(target_area / aspect_ratio)))  # noqa: RUF046
        if 0 < w <= width and 0 < h <= height:
            i = np.random.randint(0, height - h + 1)
            j = np.random.randint(0, width - w + 1)
            return i, j, h, w
    in_ratio = float(width) / float(height)
    if in_ratio < min(ratio):
        w = width
        h = int(round(w / min(ratio)))  # noqa: RUF046
    elif in_ratio > max(ratio):
        h = height
        w = int(round(h * max(ratio)))  # noqa: RUF046
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.9, 1.0)])
def test_random_parts_are_those_of_torchvision_on_the_same_draws(size: tuple[int, int], scale: tuple) -> None:
    for seed in range(50):
        np.random.seed(seed)
        left, upper, right, lower = random_box(size, scale, RATIO)
        np.random.seed(seed)
        assert (upper, left, lower - upper, right - left) == _torchvision_params(size, scale, RATIO)
        assert 0 <= left < right <= size[0]
        assert 0 <= upper < lower <= size[1]


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((640, 33), (298, 0, 342, 33)),  # 33 * 4 / 3 = 44 wide
        ((33, 640), (0, 298, 33, 342)),
        ((40, 40), (0, 0, 40, 40)),
    ],
)
def test_images_no_draw_fits_give_the_largest_central_part(size: tuple[int, int], box: tuple) -> None:
    assert central_box(size, RATIO) == box
    np.random.seed(0)
    assert random_box(size, (2.0, 2.0), RATIO) == box


def test_areas_are_even_and_ratios_even_in_the_logarithm() -> None:
    np.random.seed(0)
    boxes = np.array([random_box((1000, 1000), (0.1, 0.5), RATIO) for _ in range(4000)])
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    for values, low, top in ((wide * high / 1e6, 0.1, 0.5), (np.log(wide / high), *np.log(RATIO))):
        assert abs(values.mean() - (low + top) / 2) < 0.02 * (top - low)
        assert abs(values.std() - (top - low) / math.sqrt(12)) < 0.02 * (top - low)


def test_a_random_crop_is_cut_first_and_resized_then() -> None:
    picture = _picture((160, 120))
    np.random.seed(3)
    found = random_resized_crop(picture, 64, scale=(0.2, 0.6), ratio=RATIO, filter_name="bilinear")
    np.random.seed(3)
    part = picture.crop(random_box(picture.size, (0.2, 0.6), RATIO))
    np.testing.assert_array_equal(np.asarray(found), np.asarray(part.resize((64, 64), Image.Resampling.BILINEAR)))


def test_flips_occur_as_often_as_told() -> None:
    picture = Image.fromarray(np.array([[0, 255]], np.uint8))
    np.random.seed(0)
    flipped = [random_flip(picture, 0.3).getpixel((0, 0)) == 255 for _ in range(2000)]
    assert 0.27 < np.mean(flipped) < 0.33
    assert random_flip(picture, 1.0).getpixel((0, 0)) == 255
    assert random_flip(picture, 0.0).getpixel((0, 0)) == 0
