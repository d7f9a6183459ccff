"""Cityscapes' training labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.datasets.cityscapes.train_ids import make_train_ids, train_ids
from benchmark.errors import DataError


def test_labels_map_as_cityscapesscripts_does() -> None:
    scored = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13}
    scored |= {27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
    ids = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert train_ids(ids).ravel().tolist() == [scored.get(number, 255) for number in range(256)]


def test_labels_that_are_there_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "gtFine/train/ulm"
    folder.mkdir(parents=True)
    for stem in ("a", "b"):
        Image.fromarray(np.full((4, 4), 7, np.uint8)).save(folder / f"{stem}_gtFine_labelIds.png")
    (folder / "a_gtFine_labelTrainIds.png").write_bytes(b"mine")
    assert make_train_ids(tmp_path) == "labelTrainIds made from labelIds: 1"
    assert (folder / "a_gtFine_labelTrainIds.png").read_bytes() == b"mine"
    assert make_train_ids(tmp_path) is None


def test_a_damaged_label_file_is_named_and_leaves_no_half_of_another(tmp_path: Path) -> None:
    folder = tmp_path / "gtFine/train/ulm"
    folder.mkdir(parents=True)
    (folder / "a_gtFine_labelIds.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a_gtFine_labelIds\.png cannot be decoded"):
        make_train_ids(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["a_gtFine_labelIds.png"]
