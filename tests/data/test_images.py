"""Reading pictures: which kinds are converted, which are refused, and what happens to EXIF orientation."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.backbones import Preprocessing
from benchmark.data.images import read_image, size_mismatch
from benchmark.errors import DataError
from benchmark.samples.images import normalised


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


def _saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_colour_pictures_come_in_the_channel_order_of_opencv(rgb: np.ndarray, tmp_path: Path) -> None:
    path = _saved(Image.fromarray(rgb), tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path)))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA"])
def test_grey_palette_and_transparent_pictures_become_rgb(rgb: np.ndarray, tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(rgb).convert("L" if mode == "LA" else "RGB").convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(0)  # what transparency hides is part of the picture
    read = read_image(_saved(image, tmp_path / "a.png"))
    np.testing.assert_array_equal(read[..., ::-1], np.asarray(image.convert("RGB")))
    assert (read.dtype, read.shape) == (np.uint8, (12, 20, 3))


def test_cmyk_pictures_become_rgb(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK")
    read = read_image(_saved(image, tmp_path / "a.jpg", quality=100))
    assert read[8, 8].tolist() == [40, 30, 200]


def test_of_16_bit_colour_the_upper_bytes_are_kept(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (12, 20, 3), np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), deep >> 8)


@pytest.mark.parametrize(("dtype", "suffix", "mode"), [(np.uint16, "png", "I;16"), (np.float32, "tiff", "F")])
def test_grey_of_more_than_8_bits_is_refused(tmp_path: Path, dtype: type, suffix: str, mode: str) -> None:
    path = _saved(Image.fromarray(np.full((12, 20), 1000, dtype)), tmp_path / f"a.{suffix}")
    with pytest.raises(DataError, match=rf"a\.{suffix}: pictures have 8 bits per channel, not {mode} grey"):
        read_image(path)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_an_exif_orientation_is_not_applied(rgb: np.ndarray, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _saved(Image.fromarray(rgb), tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(path)[..., ::-1], rgb)


def test_a_map_of_another_size_says_so_and_names_an_orientation(rgb: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = _saved(Image.fromarray(rgb), tmp_path / "plain.png")
    turned = _saved(Image.fromarray(rgb), tmp_path / "turned.png", exif=exif)
    text = str(size_mismatch("depth", "d.png", (20, 12), plain, rgb.shape))
    assert text == f"d.png: the depth map is 12x20, its image {plain} is 20x12"
    assert "EXIF orientation is not applied" in str(size_mismatch("depth", "d.png", (20, 12), turned, rgb.shape))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_picture_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = _saved(Image.fromarray(noise), tmp_path / f"a.{suffix}")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=rf"a\.{suffix} cannot be read"):
        read_image(path)


def test_normalising_takes_bgr_of_bytes_or_floats_to_rgb(rgb: np.ndarray) -> None:
    preprocessing = Preprocessing()
    expected = torch.from_numpy((rgb / 255 - preprocessing.mean) / preprocessing.std).permute(2, 0, 1).float()
    for image in (rgb[..., ::-1], rgb[..., ::-1].astype(np.float64)):
        torch.testing.assert_close(normalised(image, preprocessing), expected, atol=1e-6, rtol=1e-6)
