"""Training goes on past images that cannot be read, if it was told to."""

from __future__ import annotations

import pytest

from benchmark.errors import DataError
from benchmark.samples.with_replacement import with_replacement

BAD = {2, 3, 5}


def _load(index: int) -> int:
    if index in BAD:
        raise DataError(f"{index}.jpg cannot be read")
    return index


def test_the_next_readable_image_stands_in_and_each_bad_one_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    load = with_replacement(_load, 6)
    assert [load(index) for index in (0, 1, 2, 3, 4, 5, 2)] == [0, 1, 4, 4, 4, 0, 4]
    told = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in told] == [f"{index}.jpg cannot be read" for index in (2, 3, 5)]


def test_a_held_out_image_stands_in_for_held_out_ones_alone() -> None:
    load = with_replacement(_load, 6, apart=frozenset({3, 4}))
    assert [load(index) for index in (2, 3, 5)] == [0, 4, 0]


def test_only_bad_images_are_an_error() -> None:
    with pytest.raises(DataError, match="none of the 2 images can be read"):
        with_replacement(lambda _index: _load(2), 2)(0)


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        with_replacement(lambda index: 1 // index, 2)(0)
