"""Palettes whose indices are no longer the labels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.label_encoding import LabelEncoding, PaletteKind
from benchmark.data.palettes import palette_problem, voc_palette
from benchmark.data.segmentation import read_label_map
from benchmark.errors import DataError

AS_STORED = LabelEncoding.counted(255)
LABELS = np.array([[0, 0, 7], [15, 255, 7]], np.uint8)


def _made_smaller(colours: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """Does what optimisers of PNG files do: keeps the colours that occur, and numbers them anew."""
    used, indices = np.unique(LABELS, return_inverse=True)
    image = Image.fromarray(indices.reshape(LABELS.shape).astype(np.uint8))
    image.putpalette(colours[used].tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Image.open(buffer), indices


def _with_palette(labels: np.ndarray, colours: np.ndarray) -> Image.Image:
    image = Image.fromarray(labels)
    image.putpalette(colours.astype(np.uint8).tobytes())
    return image


GREY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def test_vocs_own_palette_is_right_whole_and_cut_off() -> None:
    assert palette_problem(_with_palette(LABELS, voc_palette()), "voc") is None
    assert palette_problem(_with_palette(LABELS, voc_palette()[:21]), "voc") is None
    padded = np.where(np.arange(256)[:, None] < 21, voc_palette(), 0)  # 255 is black here
    assert palette_problem(_with_palette(LABELS, padded), "voc") is None


@pytest.mark.parametrize(("palette", "colours"), [(voc_palette(), "voc"), (GREY, "grey"), (GREY, "voc"), (GREY, "any")])
def test_a_palette_that_was_renumbered_is_told(palette: np.ndarray, colours: PaletteKind, tmp_path: Path) -> None:
    image, _ = _made_smaller(palette)
    problem = palette_problem(image, colours)
    assert problem.startswith("its palette was renumbered: index 1 has the colour of label 7;")
    image.save(tmp_path / "labels.png")
    with pytest.raises(DataError, match=r"labels\.png: its palette was renumbered"):
        read_label_map(tmp_path / "labels.png", AS_STORED, colours)


ANY = np.random.default_rng(0).integers(1, 256, (256, 3))


@pytest.mark.parametrize(("palette", "colours"), [(voc_palette(), "grey"), (ANY, "grey"), (ANY, "voc")])
def test_colours_that_are_not_the_datasets_are_a_problem(
    palette: np.ndarray, colours: PaletteKind, tmp_path: Path
) -> None:
    """A map of Cityscapes renumbered to 0..2 would be road, sidewalk and building, whatever it shows."""
    image = _with_palette(np.arange(3, dtype=np.uint8).repeat(3).reshape(3, 3), palette)
    assert "its palette has colours of its own (" in palette_problem(image, colours)
    image.save(tmp_path / "labels.png")
    with pytest.raises(DataError, match=r"labels\.png: its palette has colours of its own"):
        read_label_map(tmp_path / "labels.png", AS_STORED, colours)
    assert palette_problem(image, "any") is None


def test_colours_that_no_pixel_has_are_none() -> None:
    palette = np.where(np.arange(256)[:, None] < 21, voc_palette(), ANY)  # 255 is among the labels, not among VOC's
    assert palette_problem(_with_palette(LABELS[:, :1], palette), "voc") is None
    assert "at index 255" in palette_problem(_with_palette(LABELS, palette), "voc")


@pytest.mark.parametrize("palette", [GREY, np.zeros((256, 3))], ids=["grey", "black"])
@pytest.mark.parametrize("colours", ["grey", "voc", "any"])
def test_grey_values_and_what_is_unused_are_no_problem(palette: np.ndarray, colours: PaletteKind) -> None:
    assert palette_problem(_with_palette(LABELS, palette), colours) is None


def test_grey_label_maps_have_none() -> None:
    assert palette_problem(Image.fromarray(LABELS), "voc") is None


@pytest.mark.real_data
def test_the_official_label_maps_have_vocs_palette(real_data: Path) -> None:
    paths = sorted((real_data / "voc2012/VOCdevkit/VOC2012/SegmentationClass").glob("*.png"))
    assert len(paths) == 400
    for path in paths[::20]:
        with Image.open(path) as file:
            np.testing.assert_array_equal(np.reshape(file.getpalette(), (-1, 3)), voc_palette())
        read_label_map(path, AS_STORED, "voc")
