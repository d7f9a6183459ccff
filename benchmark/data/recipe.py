"""How the official archives of a dataset become its official layout.

A route is a pattern for the path of a file inside an archive or folder, and where it goes below the dataset's folder.
The folders an archive wraps its files in do not matter, so that official archives, repacked ones and unpacked folders
are all read by the same routes. Suffixes are read in any case, and become those of the official layout where lists name
files by them. What matches no route is not needed and left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.folders import is_left_over_path

ANY_FOLDER = r"(?:.*?/)?"
"""Pattern of the folders an archive may wrap its files in."""


@dataclass(frozen=True)
class Checksum:
    """The hash of an archive, and who says so. It finds damage, not malice: MD5 and SHA-1 can be forged."""

    algorithm: str
    digest: str
    source: str


def _nothing(_folder: Path) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class Recipe:
    """How a dataset is made."""

    routes: tuple[tuple[str, str | None], ...]
    """Pattern of a whole path, and its place; the first that matches counts, and None leaves the file out."""

    where: str
    """Where a person gets the archives, and what to type then."""

    finish: Callable[[Path], Iterable[str | None]] = _nothing
    """Makes what the archives lack, given the dataset's folder; yields lines that say what was made."""

    inner: str | None = None
    """Pattern of archives inside the archive."""

    inner_prefix: str = ""
    """What the paths of their members are given in front."""

    def place(self, path: str) -> str | None:
        """Returns where a file goes, relative to the dataset's folder, or None."""
        if is_left_over_path(path):
            return None
        for pattern, target in self.routes:
            match = re.fullmatch(pattern, path)
            if match:
                return match.expand(target) if target is not None else None
        return None

    def inner_folder(self, path: str) -> str | None:
        """Returns the folder the members of an inner archive stand for, or None for any other file."""
        match = re.fullmatch(self.inner, path) if self.inner else None
        return match.expand(self.inner_prefix) if match else None
