"""Which images a classification split holds and of which class each is, from names alone.

    <folder>/<class>/<image>        any class names; the label is the rank of the sorted name
    <folder>/<prefix><number>       flat, as `FlatImages` describes it; label files tell the class
    <list>.csv                      lines of "path,class"

Order: classes sorted, images sorted within a class, in every form. What other programs leave in folders is passed over
and counted. ImageNet has 1.28 million images, so names are strings, and what a listing proved to exist is not looked up
again.
"""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.data.folders import SUFFIXES, Scan, under_another_suffix
from benchmark.data.lines import read_lines
from benchmark.data.map_listing import Mention, repeats
from benchmark.data.sources import ClassFolders, ClassList, FlatImages
from benchmark.errors import DataError

_EXAMPLES = 5


@dataclass(frozen=True)
class ClassListing:
    """What the names of one split say."""

    classes: tuple[str, ...]
    """Class names, sorted: in label order."""

    images: tuple[str, ...]
    """Paths relative to the dataset's root."""

    labels: NDArray[np.int64]
    """(N,) rank of each image's class."""

    label_files: tuple[Path, ...] = ()
    """Files that tell the classes, where folders do not."""

    problems: tuple[str, ...] = ()
    """What is wrong, where, and how to mend it; a benchmark needs a listing without any."""

    notes: tuple[str, ...] = ()
    """What was passed over."""


def list_class_folders(root: Path, source: ClassFolders) -> ClassListing:
    """Lists the images of a split in class folders, or in one flat folder where the dataset may be shipped so.

    Args:
        root: The dataset's root.
        source: The split's folder, which is there.
    """
    folder = (source.find(root) or root / source.folders[0]).relative_to(root).as_posix()
    scan = Scan(root / folder)
    names, loose = scan.look()
    if source.flat is not None and loose and not names and all(name.startswith(source.flat.prefix) for name in loose):
        return _list_flat(root, folder, loose, source.flat, scan)
    members, problems = {}, []
    for name in names:
        inner, images = scan.look(f"{name}/")
        members[name] = [f"{folder}/{name}/{image}" for image in images]
        problems += _class_problems(root / folder / name, inner, images)
    if loose:
        problems.append(
            f"{root / folder} holds {len(loose):,} images outside class folders, {loose[0]} for example; move them "
            "into the folders of their classes or away"
        )
    elif not names:
        problems.append(f"{root / folder} holds no class folder; it must hold <class>/<image>")
    if source.flat is not None:
        problems += _numbered_twice(members, source.flat.prefix)
    return _listing(members, (), problems, scan)


def list_class_list(root: Path, source: ClassList) -> ClassListing:
    """Lists the images of a split from a CSV file of lines "path,class"; the first line may be a header of these words.

    Args:
        root: The dataset's root, to which paths are relative and which they may not leave.
        source: The file, which is there.
    """
    path = root / source.path
    members: dict[str, list[str]] = {}
    problems, mentions, absent = [], [], []
    try:
        lines = read_lines(path)
    except DataError as error:
        return ClassListing((), (), np.zeros(0, np.int64), problems=(str(error),))
    for line in lines:
        row = [field.strip() for field in next(csv.reader([line.text]))]
        if line.number == 1 and [field.lower() for field in row] in (["path", "class"], ["path", "label"]):
            continue
        if len(row) != 2 or not all(row):
            problems.append(f'{path}, line {line.number}: expected "path,class", got {line.text!r}')
            continue
        image = posixpath.normpath(row[0])
        if image.startswith(("../", "/")) or image == "..":
            problems.append(f"{path}, line {line.number}: {row[0]} is outside {root}; write it relative to that folder")
            continue
        if not (root / image).is_file():
            absent.append((line.number, image))
        mentions.append(Mention(image, path, line.number))
        members.setdefault(row[1], []).append(image)
    if absent:
        number, image = absent[0]
        more = f" (and {len(absent) - 1:,} more)" if absent[1:] else ""
        problems.append(f"{path}, line {number}: there is no {root / image}{under_another_suffix(root / image)}{more}")
    ordered = {name: sorted(members[name]) for name in sorted(members)}
    return _ranked(ordered, (path,), [*problems, *repeats(mentions)], ())


def class_differences(train: Iterable[str], val: Iterable[str]) -> list[str]:
    """Names the classes that one of the splits lacks; nothing where they agree."""
    splits = {"train": set(train), "val": set(val)}
    found = []
    for here, there in (("train", "val"), ("val", "train")):
        some = sorted(splits[here] - splits[there])
        if some:
            more = ", …" if len(some) > _EXAMPLES else ""
            found.append(f"{len(some):,} classes of {here} are not in {there}: {', '.join(some[:_EXAMPLES])}{more}")
    return found


def _class_problems(folder: Path, inner: Sequence[str], images: Sequence[str]) -> list[str]:
    if inner:
        return [f"{folder} holds the folder {inner[0]}; images lie in class folders themselves"]
    return [] if images else [f"{folder} holds no image; fill it or remove it ({', '.join(SUFFIXES)} are read)"]


def _numbered_twice(members: Mapping[str, Sequence[str]], prefix: str) -> list[str]:
    """Names images of a flat folder, whose numbers are theirs alone, that stand in two class folders."""
    first: dict[str, str] = {}
    again = []
    for image in (image for images in members.values() for image in images):
        name = image.rpartition("/")[2]
        if name.startswith(prefix) and first.setdefault(name, image) != image:
            again.append(image)
    if not again:
        return []
    other = first[again[0].rpartition("/")[2]]
    more = f" (and {len(again) - 1:,} more so)" if again[1:] else ""
    return [f"{again[0]} is the image {other} again{more}; an image has one class, remove the wrong one"]


def _list_flat(root: Path, folder: str, names: Sequence[str], flat: FlatImages, scan: Scan) -> ClassListing:
    """Lists the images of all classes in one folder."""
    label_files = flat.find(root)
    if not label_files:
        problem = (
            f"{root / folder} holds {len(names):,} images outside class folders and nothing tells their classes: "
            f"{flat.wanted.format(root=root)}"
        )
        return _listing({}, (), [problem], scan)
    try:
        classes = flat.read(label_files)
    except DataError as error:
        return _listing({}, label_files, [str(error)], scan)
    members: dict[str, list[str]] = {}
    unknown = []
    for name in names:
        known = classes.get(name.rpartition(".")[0])
        if known is None:
            unknown.append(name)
        else:
            members.setdefault(known, []).append(f"{folder}/{name}")
    problems = []
    if unknown:
        problems.append(
            f"{label_files[0]} does not tell the class of {len(unknown):,} images of {root / folder}, {unknown[0]} for "
            "example; is the file whole?"
        )
    return _listing({name: members[name] for name in sorted(members)}, label_files, problems, scan)


def _listing(
    members: Mapping[str, list[str]], label_files: tuple[Path, ...], problems: list[str], scan: Scan
) -> ClassListing:
    """Puts together what folders hold; the classes come sorted."""
    return _ranked(members, label_files, [*scan.problems, *scan.twins, *problems], tuple(scan.notes))


def _ranked(
    members: Mapping[str, list[str]], label_files: tuple[Path, ...], problems: list[str], notes: tuple[str, ...]
) -> ClassListing:
    """Puts together the images of each class; the classes come sorted."""
    return ClassListing(
        classes=tuple(members),
        images=tuple(image for images in members.values() for image in images),
        labels=np.repeat(np.arange(len(members)), [len(images) for images in members.values()]),
        label_files=label_files,
        problems=tuple(problems),
        notes=notes,
    )
