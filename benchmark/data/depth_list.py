"""The lists of depth datasets: which image belongs to which depth map. Reads names only and imports nothing heavy."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NO_DEPTH = "None"
"""What a list says in place of a depth map that does not exist."""


@dataclass(frozen=True)
class DepthList:
    """What a list says."""

    pairs: tuple[tuple[Path, Path], ...]
    """Image and depth map of each line that names both, in order, whether or not they exist."""

    without_depth: int
    """Lines left out because their depth is the word ``None``."""

    problems: tuple[str, ...]
    """Lines that cannot be read or leave the dataset, and images that are nowhere, each with the list's path."""


def read_depth_list(path: Path, root: Path, folders: Sequence[tuple[str, str]]) -> DepthList:
    """Reads lines of "image depth" or "image depth focal"; the focal length is not used.

    A leading "/" means the root of the dataset (the lists of BTS have it).

    Args:
        path: The list.
        root: The dataset's root, which no path may leave.
        folders: (image folder, depth folder) the lines may be relative to; the first that holds an image is taken.
    """
    named, without, problems = [], 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) not in (2, 3) or (len(words) == 3 and not _is_number(words[2])):
            problems.append(f'{path}, line {number}: expected "image depth" or "image depth focal", got {line!r}')
        elif words[1] == NO_DEPTH:
            without += 1
        else:
            named.append((number, words[0].lstrip("/"), words[1].lstrip("/")))
    found = (pair for _, image, _ in named for pair in folders if (root / pair[0] / image).is_file())
    chosen = next(found, None)
    if named and chosen is None:
        tried = " or ".join(str(root / image_folder) for image_folder, _ in folders)
        problems.append(f"{path}: none of its images is under {tried}, for example {named[0][1]}")
    pairs = []
    for number, *names in named:
        places = [
            posixpath.normpath(posixpath.join(folder, name))
            for folder, name in zip(chosen or folders[0], names, strict=True)
        ]
        outside = next((name for name, place in zip(names, places, strict=True) if place.split("/")[0] == ".."), None)
        if outside is None:
            pairs.append((root / places[0], root / places[1]))
        else:
            problems.append(f"{path}, line {number}: {outside} is outside {root}")
    return DepthList(tuple(pairs), without, tuple(problems))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
