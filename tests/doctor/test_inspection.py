"""One pair of files with everything that can be wrong with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.manifest import Manifest
from benchmark.data.registry import DATASETS
from benchmark.data.segmentation import SegmentationSplit
from benchmark.data.sources import LabelFolders
from benchmark.data.split_files import Pair
from benchmark.doctor.inspection import Inspection, inspect

VOC, NYU = DATASETS["voc2012"], DATASETS["nyu"]
RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (40, 60, 3), np.uint8)
MASK = RNG.integers(0, 21, (40, 60), np.uint8)
DEPTH = RNG.integers(1000, 9000, (40, 60), np.uint16)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A sound picture and label map."""
    pair = Pair(tmp_path / "picture.png", tmp_path / "label.png")
    Image.fromarray(PICTURE).save(pair.image)
    Image.fromarray(MASK).save(tmp_path / "label.png")
    return pair


def _inspect(pair: Pair, *, depth: bool = False) -> Inspection:
    return inspect(pair, NYU if depth else VOC, Manifest(pair.image.parent))


def _save(array: np.ndarray, path: Path | None, **options: object) -> None:
    Image.fromarray(array).save(path, **options)  # type: ignore[arg-type]


def test_a_sound_pair_is_measured_and_hashed(pair: Pair) -> None:
    found = _inspect(pair)
    assert (found.problems, found.remarks, found.size) == ((), (), (60, 40))
    np.testing.assert_array_equal(found.content.histogram[:21], np.bincount(MASK.ravel(), minlength=21))
    assert [entry.name for entry in found.entries] == ["picture.png", "label.png"]
    assert found.entries[0].sha256 == hashlib.sha256(pair.image.read_bytes()).hexdigest()


def test_a_depth_map_is_measured_in_metres_over_its_valid_pixels(pair: Pair) -> None:
    depth = DEPTH.copy()
    depth[:10] = 0
    _save(depth, pair.label)
    found = _inspect(pair, depth=True).content.depth
    measured = DEPTH[10:] / 1000
    assert found.valid == 0.75
    assert (found.lowest, found.highest) == pytest.approx((measured.min(), measured.max()))
    assert found.median == pytest.approx(np.median(measured))


def test_a_depth_map_without_measurement_is_counted_and_no_error(pair: Pair) -> None:
    _save(np.zeros_like(DEPTH), pair.label)
    found = _inspect(pair, depth=True)
    assert found.content.without_depth
    assert found.content.depth is None
    assert found.problems == ()


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (DEPTH.astype(np.uint8), "depth maps are 16-bit grey PNG files, this one is 8-bit grey; fetch"),
        (PICTURE, "depth maps are 16-bit grey PNG files, this one is 8-bit RGB; fetch"),
        (DEPTH[:-1], "the depth map is 60x39, its image .* is 60x40"),
    ],
)
def test_depth_maps_that_cannot_be_right_are_named(pair: Pair, array: np.ndarray, text: str) -> None:
    _save(array, pair.label)
    with pytest.raises(AssertionError, match=rf"label\.png: {text}"):
        _assert_sound(_inspect(pair, depth=True))


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (
            np.where(MASK == 3, 21, MASK),
            r": label 21 is neither a class nor ignored; classes are 0 to 20, ignored are 255",
        ),
        (MASK[:, :-1], ": the label map is 59x40, its image .* is 60x40"),
        (PICTURE, ": label maps are 8-bit grey or palette PNG files, this one is 8-bit RGB; fetch"),
        (DEPTH, ": label maps are 8-bit grey or palette PNG files, this one is 16-bit grey; fetch"),
    ],
)
def test_label_maps_that_cannot_be_right_are_named(pair: Pair, array: np.ndarray, text: str) -> None:
    _save(array.astype(np.uint8) if array is not DEPTH else array, pair.label)
    with pytest.raises(AssertionError, match=rf"label\.png ?{text}"):
        _assert_sound(_inspect(pair))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_named(pair: Pair, suffix: str) -> None:
    path = pair.image.with_suffix(suffix)
    _save(PICTURE, path)
    path.write_bytes(path.read_bytes()[:-700])
    found = _inspect(Pair(path, pair.label))
    assert f"picture{suffix} cannot be decoded" in found.problems[0]
    assert found.content.histogram is not None  # the label was read all the same


@pytest.mark.parametrize(
    ("content", "text"), [(b"", "is empty"), (b"a list, not a picture", "cannot be decoded: no known image format")]
)
def test_files_that_are_no_images_are_named(pair: Pair, content: bytes, text: str) -> None:
    pair.image.write_bytes(content)
    [problem] = _inspect(pair).problems
    assert problem == f"{pair.image} {text}"


def test_a_missing_file_is_named(pair: Pair) -> None:
    pair.label.unlink()
    [problem] = _inspect(pair).problems
    assert problem == f"{pair.label} cannot be read: No such file or directory"


def test_an_image_of_absurd_size_is_named_and_not_decoded(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "decompression bomb" in _inspect(pair).problems[0]


@pytest.mark.parametrize(
    ("array", "mode", "remark"),
    [(PICTURE[..., 0], None, "greyscale"), (PICTURE, "CMYK", "CMYK")],
)
def test_unusual_images_are_remarked(pair: Pair, array: np.ndarray, mode: str | None, remark: str) -> None:
    path = pair.image.with_suffix(".tif")
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)
    found = _inspect(Pair(path, pair.label))
    assert (found.problems, found.remarks) == ((), (remark,))


def test_a_depth_map_in_place_of_an_image_is_named(pair: Pair) -> None:
    _save(DEPTH, pair.image)
    [problem] = _inspect(pair).problems
    assert problem == f"{pair.image}: pictures have 8 bits per channel, not I;16 grey values; is this a depth map?"


def test_an_image_rotated_by_exif_is_remarked_and_measured_as_it_is_stored(pair: Pair) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = pair.image.with_suffix(".jpg")
    _save(PICTURE, path, exif=exif)
    found = _inspect(Pair(path, pair.label))
    assert (found.problems, found.remarks, found.size) == ((), ("rotated by EXIF",), (60, 40))
    _save(PICTURE.swapaxes(0, 1), path, exif=exif)
    [problem] = _inspect(Pair(path, pair.label)).problems
    assert "is 60x40, its image" in problem
    assert "EXIF orientation is not applied" in problem


@pytest.mark.parametrize(
    ("image", "label"),
    [(PICTURE, MASK[:, :-1]), (PICTURE, PICTURE), (DEPTH, MASK)],
    ids=["size", "mode", "image"],
)
def test_the_doctor_and_the_reader_say_the_same(pair: Pair, image: np.ndarray, label: np.ndarray) -> None:
    from benchmark.errors import DataError

    _save(image, pair.image)
    _save(label, pair.label)
    [problem] = _inspect(pair).problems
    with pytest.raises(DataError) as refused:
        _reader(pair).load(0)
    assert problem == str(refused.value)


def _reader(pair: Pair) -> SegmentationSplit:
    """Opens the pair as a run does."""
    folder = pair.image.parent
    for name in ("images", "labels"):
        (folder / name).mkdir()
        path = pair.image if name == "images" else pair.label
        (folder / name / "a.png").symlink_to(path)
    lists = {"val": (LabelFolders("images", "labels"),)}
    dataset = replace(VOC, folder=".", splits=lists, image_suffixes=(".png",))
    split = SegmentationSplit(dataset, folder, "val")
    split._infos[0] |= {"img_path": str(pair.image), "seg_map_path": str(pair.label)}
    return split


def _assert_sound(found: Inspection) -> None:
    assert not found.problems, found.problems[0]
