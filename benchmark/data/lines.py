"""Lists in text files, read in one way by whatever needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import DataError


@dataclass(frozen=True)
class Line:
    """A line that holds something."""

    number: int
    """Counted from 1, blank lines too, as editors do."""

    text: str
    """Without the white space around it."""


def read_lines(path: Path) -> list[Line]:
    """Returns the lines of a list that hold something.

    Lines may end as on Unix, Windows or old Macs, the last one not at all; byte order marks are no part of a name.

    Raises:
        DataError: A file that cannot be read or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_utf8(path, content[: error.start]) from error
    if "\0" in text:  # UTF-16 of plain English is UTF-8 too, with a NUL in each letter
        raise _no_utf8(path, text[: text.index("\0")].encode())
    # Not str.splitlines, which also splits at characters that names may hold.
    lines = text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [Line(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def _no_utf8(path: Path, before: bytes) -> DataError:
    number = 1 + before.count(b"\n") + before.replace(b"\r\n", b"").count(b"\r")
    return DataError(f"{path}, line {number}: not UTF-8; save the list as UTF-8, and rename files whose names are not")
