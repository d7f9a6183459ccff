"""Which names of a folder are data: one rule for all datasets, for checks and runs.

Editors, file managers, notebooks, archivers and version control leave files and folders of their own. They are passed
over, as are files of other kinds; both are counted, so that nothing is left out in silence.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.utf8 import is_utf8, printable

SUFFIXES = (".jpeg", ".jpg", ".png")
"""Of images; suffixes are read in any case."""

_LEFT_NAMES = frozenset(
    (
        *("__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"),
    )
)
_LEFT_ENDS = ("~", ".swp", ".swo", ".bak", ".tmp", ".orig", ".part", ".crdownload", ":zone.identifier")


def is_left_over(name: str) -> bool:
    """Tells whether a file or folder of this name was left by another program: ``.DS_Store``, ``__MACOSX``, ``a.jpg~``.

    All hidden ones are: ``._a.jpg`` of archives made on a Mac, ``.ipynb_checkpoints``, ``.git``.
    """
    return name.startswith(".") or name.lower() in _LEFT_NAMES or name.lower().endswith(_LEFT_ENDS)


@dataclass
class _Count:
    number: int = 0
    example: str = ""

    def add(self, path: str) -> None:
        self.number += 1
        self.example = self.example or path

    def told(self, what: str) -> str:
        example = printable(self.example) + (" for example" if self.number > 1 else "")
        return f"{self.number:,} {what} ({example})"


class Scan:
    """Looks through the folders of one split, and counts what it passes over and what cannot stand there.

    Args:
        folder: The split's folder.
        suffixes: What names that are read end with, in any case.
    """

    def __init__(self, folder: Path, suffixes: Sequence[str] = SUFFIXES) -> None:
        self.folder = folder
        self.suffixes = tuple(suffixes)
        self._ends = tuple(suffix.lower() for suffix in suffixes)
        self._left, self._other, self._strange, self._twins = _Count(), _Count(), _Count(), _Count()

    def look(self, below: str = "") -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files to read in one folder, each sorted.

        Args:
            below: The folder, relative to the split's and with a slash at its end; the split's own by default.
        """
        folders, files, others = [], [], []
        with os.scandir(self.folder / below) as entries:
            for entry in entries:
                name = entry.name
                if is_left_over(name):
                    self._left.add(f"{below}{name}")
                elif entry.is_dir():  # known from the listing, except for links
                    folders.append(name)
                else:
                    (files if name.lower().endswith(self._ends) else others).append(name)
        self._find_twins(below, files, others)
        for name in sorted(others):
            self._other.add(f"{below}{name}")
        return self._in_utf8(below, folders), self._in_utf8(below, files)

    def walk(self, below: str = "", _above: tuple[tuple[int, int], ...] = ()) -> list[str]:
        """Returns the paths of the files to read in a folder and all below it, relative to the split's folder.

        Links to folders are followed, but not around a loop.
        """
        status = (self.folder / below).stat()
        here = (status.st_dev, status.st_ino)
        if here in _above:
            return []
        folders, files = self.look(below)
        found = [f"{below}{name}" for name in files]
        for name in folders:
            found += self.walk(f"{below}{name}/", (*_above, here))
        return found

    @property
    def notes(self) -> list[str]:
        """A line that counts what was passed over; none where there was nothing."""
        kinds = (
            (self._left, "left by other programs"),
            (self._other, f"that do not end with {' or '.join(self.suffixes)}"),
        )
        told = [count.told(what) for count, what in kinds if count.number]
        return [f"{self.folder}: passed over: {', '.join(told)}"] if told else []

    @property
    def problems(self) -> list[str]:
        """A line that counts names that are no UTF-8; none where all are."""
        if not self._strange.number:
            return []
        told = self._strange.told("names that are not UTF-8")
        return [f"{self.folder} holds {told}; records could not hold them, rename the files or folders"]

    @property
    def twins(self) -> list[str]:
        """A line that counts images whose names differ in their suffix only; none where all differ otherwise."""
        if not self._twins.number:
            return []
        told = self._twins.told("images twice, under names that differ in their suffix only")
        return [f"{self.folder} holds {told}; remove one of each two, or rename it"]

    def _in_utf8(self, below: str, names: list[str]) -> list[str]:
        sound = sorted(filter(is_utf8, names))
        if len(sound) < len(names):
            for name in names:
                if not is_utf8(name):
                    self._strange.add(f"{below}{name}")
        return sound

    def _find_twins(self, below: str, files: Sequence[str], others: Sequence[str]) -> None:
        """Finds files that are read beside another picture of their name."""
        stems = {name.rpartition(".")[0]: name for name in files}
        rivals = [name for name in others if name.lower().endswith(SUFFIXES)]
        if len(stems) < len(files):  # a million names: most folders have none
            rivals += (name for name in files if stems[name.rpartition(".")[0]] != name)
        for name in sorted(rivals):
            other = stems.get(name.rpartition(".")[0])
            if other is not None:
                self._twins.add(below + " and ".join(sorted((name, other))))
