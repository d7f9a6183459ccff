"""Where pictures come from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.analysis.pictures import from_folder, rendered
from benchmark.errors import DataError


def _save(path: Path, size: tuple[int, int] = (40, 30), colour: tuple[int, int, int] = (255, 0, 0)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_pictures_are_found_below_the_folder_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "b/1.jpg", "a.png", ".hidden.png"):
        _save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    found = from_folder(tmp_path, 28, None)
    assert found.names == ("a.png", "b/1.jpg", "b/2.PNG")
    [note] = found.notes
    assert "passed over: 1 left by other programs (.hidden.png), 1 that do not end with .bmp" in note
    assert [len(batch) for batch in found.batches(2)] == [2, 1]


def test_a_name_that_is_not_utf_8_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    for name in ("a.png", os.fsdecode(b"caf\xe9.png")):
        _save(tmp_path / name)
    with pytest.raises(DataError, match=r"holds 1 names that are not UTF-8 \(caf\\udce9\.png\)"):
        from_folder(tmp_path, 28, None)


def test_the_central_square_is_cut_out_in_the_channel_order_of_opencv(tmp_path: Path) -> None:
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20, 0] = 200  # red in the middle only
    Image.fromarray(image).save(tmp_path / "wide.png")
    [[picture]] = from_folder(tmp_path, 10, None).batches(4)
    assert picture.shape == (10, 10, 3)
    assert (picture[..., 2] == 200).all()
    assert not picture[..., :2].any()


def test_a_limit_spreads_over_class_folders(tmp_path: Path) -> None:
    for folder in "abc":
        for number in range(4):
            _save(tmp_path / folder / f"{number}.png")
    assert from_folder(tmp_path, 28, 3).names == ("a/0.png", "b/0.png", "c/0.png")
    assert len(from_folder(tmp_path, 28, 99)) == 12


def test_rooms_are_the_same_every_time() -> None:
    [[one, two]], [[again, _]] = rendered(28, 2).batches(2), rendered(28, 2).batches(2)
    assert one.shape == (28, 28, 3)
    assert (one == again).all()
    assert (one != two).any()


def test_a_missing_or_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing is not a folder of pictures"):
        from_folder(tmp_path / "missing", 28, None)
    with pytest.raises(DataError, match=r"holds no picture; looked for .*\.jpg"):
        from_folder(tmp_path, 28, None)
