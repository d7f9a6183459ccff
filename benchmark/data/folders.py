"""Which names of a folder are data: one rule for all datasets, for checks and runs.

Editors, file managers, notebooks, archivers and version control leave files and folders of their own. They are passed
over, as are files of other kinds; both are counted, so that nothing is left out in silence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import DataError
from benchmark.utf8 import is_utf8, printable

SUFFIXES = (".jpeg", ".jpg", ".png")
"""Of images; suffixes are read in any case."""

_ALIKE = ((".jpg", ".jpeg"), (".png",))
_FORMS = (str.lower, str.upper, str.title)

_LEFT_NAMES = frozenset(
    (
        *("__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"),
    )
)
_LEFT_ENDS = ("~", ".swp", ".swo", ".bak", ".tmp", ".orig", ".part", ".crdownload", ":zone.identifier")


def is_left_over(name: str, *, folder: bool = False) -> bool:
    """Tells whether a file or folder of this name was left by another program: ``.DS_Store``, ``__MACOSX``, ``a.jpg~``.

    All hidden ones are: ``._a.jpg`` of archives made on a Mac, ``.ipynb_checkpoints``, ``.git``. What ends as ``a.bak``
    or ``a.part`` is a copy or an unfinished download where it is a file; a folder of that name may be a class.
    """
    known = name.startswith(".") or name.lower() in _LEFT_NAMES
    return known or (not folder and name.lower().endswith(_LEFT_ENDS))


def is_left_over_path(path: str) -> bool:
    """Tells whether a file, or a folder on the way to it, was left by another program."""
    *folders, name = path.split("/")
    return is_left_over(name) or any(is_left_over(folder, folder=True) for folder in folders)


def under_another_suffix(path: Path) -> str:
    """Returns ``"; a.JPG is there, and names must agree"`` where a missing picture is there so, or an empty string."""
    alike = next((ends for ends in _ALIKE if path.suffix.lower() in ends), SUFFIXES if not path.suffix else ())
    names = [path.name.removesuffix(path.suffix) + form(end) for end in alike for form in _FORMS]
    there = next((name for name in names if path.with_name(name).is_file()), None)
    return "" if there is None else f"; {printable(there)} is there, and names must agree"


@contextmanager
def readable() -> Iterator[None]:
    """Makes one line of a file system that fails: what cannot be read, and why.

    Raises:
        DataError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror or error}") from error


@dataclass
class _Count:
    number: int = 0
    example: str = ""

    def add(self, path: str) -> None:
        self.number += 1
        self.example = self.example or path

    def counted(self, what: str) -> str:
        example = printable(self.example) + (" for example" if self.number > 1 else "")
        return f"{self.number:,} {what} ({example})"


class Scan:
    """Looks through the folders of one split, and counts what it passes over and what cannot stand there.

    Args:
        folder: The split's folder.
        suffixes: What names that are read end with, in any case.
        beside: What names of other official files end with, which are passed over in silence.
    """

    def __init__(self, folder: Path, suffixes: Sequence[str] = SUFFIXES, beside: Sequence[str] = ()) -> None:
        self.folder = folder
        self.suffixes = tuple(suffixes)
        self._ends, self._beside = (tuple(suffix.lower() for suffix in ends) for ends in (suffixes, beside))
        self._left, self._other, self._strange, self._twins = _Count(), _Count(), _Count(), _Count()
        self._unreadable = _Count()

    def look(self, below: str = "") -> tuple[list[str], list[str]]:
        """Returns the names of the folders and of the files to read in one folder, each sorted.

        Args:
            below: The folder, relative to the split's and with a slash at its end; the split's own by default.
        """
        folders: list[str] = []
        files: list[str] = []
        others: list[str] = []
        try:
            with os.scandir(self.folder / below) as entries:
                for entry in entries:
                    self._sort(entry, below, folders, files, others)
        except OSError as error:
            self._unreadable.add(f"{below or self.folder}: {error.strerror}")
        self._find_twins(below, files, others)
        for name in sorted(others):
            if not name.lower().endswith(self._beside):
                self._other.add(f"{below}{name}")
        return self._in_utf8(below, folders), self._in_utf8(below, files)

    def walk(self, below: str = "", _above: tuple[tuple[int, int], ...] = ()) -> list[str]:
        """Returns the paths of the files to read in a folder and all below it, relative to the split's folder.

        Links to folders are followed, but not around a loop.
        """
        try:
            status = (self.folder / below).stat()
        except OSError as error:
            self._unreadable.add(f"{below or self.folder}: {error.strerror}")
            return []
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
        counts = [count.counted(what) for count, what in kinds if count.number]
        return [f"{self.folder}: passed over: {', '.join(counts)}"] if counts else []

    @property
    def problems(self) -> list[str]:
        """Lines that count what cannot be read and names that are not UTF-8; none where all is well."""
        found = []
        if self._unreadable.number:
            counted = self._unreadable.counted("files or folders")
            found.append(f"{self.folder}: cannot be read: {counted}; mend or remove them")
        if self._strange.number:
            counted = self._strange.counted("names that are not UTF-8")
            found.append(f"{self.folder} holds {counted}; records could not hold them, rename the files or folders")
        return found

    @property
    def twins(self) -> list[str]:
        """A line that counts images whose names differ in their suffix only; none where all differ otherwise."""
        if not self._twins.number:
            return []
        counted = self._twins.counted("images twice, under names that differ in their suffix only")
        return [f"{self.folder} holds {counted}; remove one of each two, or rename it"]

    def _sort(
        self, entry: os.DirEntry[str], below: str, folders: list[str], files: list[str], others: list[str]
    ) -> None:
        """Puts a name where it belongs."""
        name, read = entry.name, entry.name.lower().endswith(self._ends)
        try:
            is_folder = entry.is_dir()  # known from the listing, except for links
            if not read and not is_folder and entry.is_symlink():
                Path(entry.path).stat()  # it may have led to the folder of a class
        except OSError as error:
            if is_left_over(name):  # Emacs locks a file by a link that leads nowhere
                self._left.add(f"{below}{name}")
            else:
                self._unreadable.add(f"{below}{name}: {error.strerror}")
            return
        if is_left_over(name, folder=is_folder):
            self._left.add(f"{below}{name}")
        elif is_folder:
            folders.append(name)
        else:
            (files if read else others).append(name)

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
