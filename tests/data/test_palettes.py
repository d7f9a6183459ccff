"""Palettes whose indices are no longer the labels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.palettes import palette_problem, voc_palette
from benchmark.data.segmentation import read_label_map
from benchmark.errors import DataError

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
    assert palette_problem(_with_palette(LABELS, voc_palette()), voc_colours=True) is None
    assert palette_problem(_with_palette(LABELS, voc_palette()[:21]), voc_colours=True) is None
    padded = np.where(np.arange(256)[:, None] < 21, voc_palette(), 0)  # 255 is black here
    assert palette_problem(_with_palette(LABELS, padded), voc_colours=True) is None


@pytest.mark.parametrize(("colours", "voc_colours"), [(voc_palette(), True), (GREY, False), (GREY, True)])
def test_a_palette_that_was_renumbered_is_told(colours: np.ndarray, voc_colours: bool, tmp_path: Path) -> None:
    image, _ = _made_smaller(colours)
    problem = palette_problem(image, voc_colours=voc_colours)
    assert problem.startswith("its palette was renumbered: index 1 has the colour of label 7;")
    image.save(tmp_path / "labels.png")
    with pytest.raises(DataError, match=r"labels\.png: its palette was renumbered"):
        read_label_map(tmp_path / "labels.png", voc_colours=voc_colours)


@pytest.mark.parametrize(
    "colours",
    [GREY, np.zeros((256, 3)), np.random.default_rng(0).integers(0, 256, (256, 3))],
    ids=["grey", "black", "any"],
)
@pytest.mark.parametrize("voc_colours", [True, False])
def test_palettes_that_tell_nothing_are_no_problem(colours: np.ndarray, voc_colours: bool) -> None:
    assert palette_problem(_with_palette(LABELS, colours), voc_colours=voc_colours) is None


def test_grey_label_maps_have_none() -> None:
    assert palette_problem(Image.fromarray(LABELS), voc_colours=True) is None


@pytest.mark.real_data
def test_the_official_label_maps_have_vocs_palette(real_data: Path) -> None:
    paths = sorted((real_data / "voc2012/VOCdevkit/VOC2012/SegmentationClass").glob("*.png"))
    assert len(paths) == 400
    for path in paths[::20]:
        with Image.open(path) as file:
            np.testing.assert_array_equal(np.reshape(file.getpalette(), (-1, 3)), voc_palette())
        read_label_map(path, voc_colours=True)
