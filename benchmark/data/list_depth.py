"""Which images and depth maps a depth split holds, from lists or folders. Reads names only."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path

from benchmark.data.folders import SUFFIXES
from benchmark.data.lines import read_lines
from benchmark.data.list_segmentation import list_segmentation
from benchmark.data.map_listing import MapListing, Mention, repeats
from benchmark.data.sources import DepthFolders, LabelFolders
from benchmark.errors import DataError

NO_DEPTH = "None"
"""What a list says in place of a depth map that does not exist."""


def read_depth_list(path: Path, root: Path, folders: Sequence[tuple[str, str]]) -> MapListing:
    """Reads lines of "image depth" or "image depth focal"; the focal length is not used.

    A leading "/" means the root of the dataset (the lists of BTS have it). Lines whose depth is the word ``None`` are
    left out. No official list names an image or a depth map twice.

    Args:
        path: The list.
        root: The dataset's root, which no path may leave.
        folders: (image folder, depth folder) the lines may be relative to; the first that holds an image is taken.
    """
    named, without, problems = [], 0, []
    try:
        lines = read_lines(path)
    except DataError as error:
        return MapListing(problems=(str(error),))
    for line in lines:
        words = line.text.split()
        if len(words) not in (2, 3) or (len(words) == 3 and not _is_number(words[2])):
            problems.append(
                f'{path}, line {line.number}: expected "image depth" or "image depth focal", got {line.text!r}'
            )
        elif words[1] == NO_DEPTH:
            without += 1
        else:
            named.append((line.number, words[0].lstrip("/"), words[1].lstrip("/")))
    found = (pair for _, image, _ in named for pair in folders if (root / pair[0] / image).is_file())
    chosen = next(found, None)
    if named and chosen is None:
        tried = " or ".join(str(root / image_folder) for image_folder, _ in folders)
        problems.append(f"{path}: none of its images is under {tried}, for example {named[0][1]}")
    pairs, images, maps = [], [], []
    for number, *names in named:
        places = [
            posixpath.normpath(posixpath.join(folder, name))
            for folder, name in zip(chosen or folders[0], names, strict=True)
        ]
        outside = next((name for name, place in zip(names, places, strict=True) if place.split("/")[0] == ".."), None)
        if outside is None:
            pairs.append((root / places[0], root / places[1]))
            images.append(Mention(places[0], path, number))
            maps.append(Mention(places[1], path, number))
        else:
            problems.append(f"{path}, line {number}: {outside} is outside {root}")
    problems += repeats(images) or repeats(maps)
    notes = (f"lines of {path.name} without depth map ({NO_DEPTH}), left out: {without}",) if without else ()
    return MapListing(tuple(pairs), tuple(problems), notes)


def list_depth_folders(root: Path, source: DepthFolders) -> MapListing:
    """Lists a folder of images and one of PNG depth maps with the same stems.

    Args:
        root: The dataset's root.
        source: The folders, which are there.
    """
    folders = LabelFolders(source.images, source.depths)
    return list_segmentation(root, (folders,), image_suffixes=SUFFIXES, label_suffix=".png", map_name="depth map")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
