"""Galleries: small, whole or refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import RecordError
from benchmark.records.gallery import LONG_SIDE, gallery_path, make_panel, pack, read_gallery


def _image(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=2).astype(np.uint8)


def test_maps_come_back_exactly_and_images_nearly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target, prediction = rng.integers(0, 65_535, (2, 40, 60)).astype(np.uint16)
    panel = make_panel("a/b.jpg", np.full((40, 60, 3), 128, np.uint8), target, prediction)
    path = gallery_path(tmp_path, "r1")
    path.write_bytes(pack([panel], "depth"))
    kind, [read] = read_gallery(path)
    assert (kind, read.name) == ("depth", "a/b.jpg")
    assert read.target.dtype == np.uint16
    np.testing.assert_array_equal(read.target, target)
    np.testing.assert_array_equal(read.prediction, prediction)
    assert np.abs(read.image.astype(int) - 128).max() <= 2


def test_maps_of_another_size_than_the_image_are_shrunk_with_it_and_never_mixed() -> None:
    labels = np.zeros((600, 900), np.uint8)
    labels[:, 450:] = 200
    panel = make_panel("a", _image(448, 672), labels, labels)
    assert panel.image.shape == (171, LONG_SIDE, 3)
    assert panel.target.shape == panel.prediction.shape == (171, LONG_SIDE)
    assert set(np.unique(panel.target)) == {0, 200}
    assert (panel.target[:, : LONG_SIDE // 2] == 0).all()
    assert (panel.target[:, LONG_SIDE // 2 :] == 200).all()


def test_the_same_panels_are_the_same_bytes() -> None:
    panel = make_panel("a", _image(20, 30), np.ones((20, 30), np.uint8), np.zeros((20, 30), np.uint8))
    assert pack([panel], "labels") == pack([panel], "labels")


def test_it_holds_ordinary_pictures(tmp_path: Path) -> None:
    panel = make_panel("a", _image(20, 30), np.ones((20, 30), np.uint8), np.zeros((20, 30), np.uint8))
    with zipfile.ZipFile(io.BytesIO(pack([panel], "labels"))) as archive:
        assert archive.namelist() == ["gallery.json", "0.image.jpg", "0.target.png", "0.prediction.png"]
        assert archive.testzip() is None


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    panel = make_panel("a", _image(20, 30), np.ones((20, 30), np.uint8), np.zeros((20, 30), np.uint8))
    path = gallery_path(tmp_path, "r1")
    path.write_bytes(pack([panel], "labels")[:-200] if content is None else content)
    with pytest.raises(RecordError, match=r"r1\.gallery\.zip"):
        read_gallery(path)


def test_maps_that_do_not_fit_their_image_are_refused(tmp_path: Path) -> None:
    panel = make_panel("a", _image(20, 30), np.ones((20, 30), np.uint8), np.zeros((20, 30), np.uint8))
    other = make_panel("a", _image(10, 30), np.ones((10, 30), np.uint8), np.zeros((10, 30), np.uint8))
    path = gallery_path(tmp_path, "r1")
    small, large = (zipfile.ZipFile(io.BytesIO(pack([each], "labels"))) for each in (other, panel))
    with zipfile.ZipFile(path, "w") as mixed:
        for name in large.namelist():
            mixed.writestr(name, (small if name == "0.target.png" else large).read(name))
    with pytest.raises(RecordError, match="another size"):
        read_gallery(path)
