"""Lists in text files, whoever wrote them with whatever."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.data.lines import read_lines
from benchmark.errors import DataError


@pytest.mark.parametrize(
    "content",
    [
        b"one\n\ntwo  three\n",
        b"one\n\ntwo  three",
        b"one\r\n\r\ntwo  three\r\n",
        b"one\r\rtwo  three\r",
        b"\xef\xbb\xbfone\n\n\xef\xbb\xbftwo  three\n",
        b" one \t\n \t\n\ttwo  three \n\n\n",
    ],
    ids=["unix", "no end", "windows", "old mac", "byte order marks", "white space"],
)
def test_what_editors_add_is_no_part_of_a_line_and_numbers_are_those_of_editors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    lines = read_lines(tmp_path / "list.txt")
    assert [(line.number, line.text) for line in lines] == [(1, "one"), (3, "two  three")]


def test_names_may_hold_what_python_takes_for_the_end_of_a_line(tmp_path: Path) -> None:
    names = ["a\u2028b", "a\x85b", "a\x0cb", "caf\u00e9", "\u9053"]
    (tmp_path / "list.txt").write_text("\n".join(names), encoding="utf-8")
    assert [line.text for line in read_lines(tmp_path / "list.txt")] == names


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"a\nb\ncaf\xe9\n", 3),
        (b"a\r\ncaf\xe9\r\n", 2),
        (b"a\rb\rcaf\xe9\r", 3),
        ("a\nb\n".encode("utf-16"), 1),
        ("a\nb\n".encode("utf-16-le"), 1),
    ],
)
def test_a_list_that_is_not_utf_8_is_refused_by_line(tmp_path: Path, content: bytes, number: int) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match=rf"list\.txt, line {number}: not UTF-8; save the list as UTF-8"):
        read_lines(tmp_path / "list.txt")


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_lines(tmp_path)
