"""Saturation and hue as torchvision has them, against its own results and the standard library's colour systems."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from benchmark.samples.loader import numpy_seeded
from benchmark.samples.photometric import TorchvisionPhotoMetricDistortion, adjust_hue, adjust_saturation

# What torchvision 0.22.0's adjust_saturation (0.5, 0.73, 1.5) and adjust_hue (0.5, -0.123, 0.25) give for RGB bytes.
_TORCHVISION = [
    ((200, 100, 50), ((162, 112, 87), (179, 106, 69), (238, 88, 13)), ((50, 150, 200), (200, 50, 111), (75, 200, 50))),
    ((12, 250, 130), ((88, 207, 147), (53, 227, 139), (0, 255, 112)), ((250, 12, 132), (69, 250, 12), (12, 13, 250))),
    ((255, 255, 255), ((254,) * 3, (254,) * 3, (255,) * 3), ((255,) * 3,) * 3),
    ((0, 0, 0), ((0,) * 3,) * 3, ((0,) * 3,) * 3),
    ((90, 90, 90), ((89,) * 3, (89,) * 3, (90,) * 3), ((90,) * 3,) * 3),
    ((33, 66, 99), ((46, 62, 79), (40, 64, 88), (20, 69, 119)), ((99, 66, 33), (33, 99, 83), (99, 33, 99))),
    ((255, 0, 0), ((165, 38, 38), (206, 20, 20), (255, 0, 0)), ((0, 255, 255), (255, 0, 188), (127, 255, 0))),
    ((1, 2, 3), ((1, 1, 2), (1, 1, 2), (1, 2, 4)), ((3, 2, 1), (1, 3, 2), (3, 1, 3))),
]


def _bgr(pixel: tuple[int, int, int]) -> np.ndarray:
    return np.array(pixel[::-1], np.uint8)[None, None]


@pytest.mark.parametrize(("pixel", "saturated", "shifted"), _TORCHVISION)
def test_single_pixels_are_torchvisions(pixel: tuple, saturated: tuple, shifted: tuple) -> None:
    for factor, expected in zip((0.5, 0.73, 1.5), saturated, strict=True):
        assert tuple(adjust_saturation(_bgr(pixel), factor)[0, 0, ::-1]) == expected
    for shift, expected in zip((0.5, -0.123, 0.25), shifted, strict=True):
        assert tuple(adjust_hue(_bgr(pixel), shift)[0, 0, ::-1]) == expected


def test_a_shift_of_hue_is_that_of_the_standard_library() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for shift in (-0.5, -0.31, 0.0, 0.07, 0.499):
        expected = np.empty(image.shape)
        for place in np.ndindex(20, 20):
            blue, green, red = image[place] / 255
            hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
            expected[place] = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)[::-1]
        assert np.abs(adjust_hue(image, shift) - np.floor(expected * 255.999)).max() <= 1
    assert np.array_equal(adjust_hue(image, 0.0), image)


def test_saturation_keeps_the_brightness() -> None:
    """Mmsegmentation's scaled S does not: it moves the mean grey value by several levels."""
    image = np.random.default_rng(0).integers(40, 200, (64, 64, 3), dtype=np.uint8)
    grey = image @ np.array([0.114, 0.587, 0.299])
    changed = adjust_saturation(image, 0.6) @ np.array([0.114, 0.587, 0.299])
    assert np.abs(changed - grey).mean() < 1


def test_every_change_occurs_about_half_of_the_time() -> None:
    image = np.full((1, 1, 3), 100, np.uint8)
    image[..., 0] = 50
    changed = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
    neutral = {"brightness": 0, "contrast": (1.0, 1.0), "saturation": (1.0, 1.0), "hue": 1e-6}
    strong = {"brightness": 30, "contrast": (1.4, 1.5), "saturation": (0.2, 0.3), "hue": 90}
    for name in changed:
        distort = TorchvisionPhotoMetricDistortion(**{**neutral, name: strong[name]})
        with numpy_seeded(1):
            for _ in range(400):
                changed[name] += not np.array_equal(distort({"img": image})["img"], image)
    assert all(150 < count < 250 for count in changed.values()), changed


def test_hues_are_drawn_from_the_whole_range() -> None:
    image = np.array([[[0, 0, 255]]], np.uint8)  # red
    distort = TorchvisionPhotoMetricDistortion(0, (1.0, 1.0), (1.0, 1.0), 90)
    with numpy_seeded(2):
        seen = {tuple(distort({"img": image})["img"][0, 0]) for _ in range(300)}
    assert len(seen) > 100  # real numbers: mmsegmentation has 180 steps, half of the draws leave it as it is
    assert any(blue > 200 for blue, _, _ in seen)
    assert any(green > 200 for _, green, _ in seen)
