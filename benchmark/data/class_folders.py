"""Which images a classification split holds and of which class each is, from names alone.

    <folder>/<class>/<image>                    any class names; the label is the rank of the sorted name
    <folder>/ILSVRC2012_val_00000001.JPEG       ImageNet's val as it is shipped; label files tell the class

Order: classes sorted, images sorted within a class, in either form. What other programs leave in folders is passed over
and counted. ImageNet has 1.28 million images, so names are strings, and what a listing proved to exist is not looked up
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.data.folders import SUFFIXES, Scan
from benchmark.data.imagenet_val import DEVKIT, find_label_files, read_classes
from benchmark.errors import DataError

_FLAT_PREFIX = "ILSVRC2012_val_"
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


def list_classes(root: Path, folder: str) -> ClassListing:
    """Lists one split.

    Args:
        root: The dataset's root.
        folder: The split's folder, relative to the root.
    """
    scan = Scan(root / folder)
    names, flat = scan.look()
    if flat and not names and all(name.startswith(_FLAT_PREFIX) for name in flat):
        return _list_flat(root, folder, flat, scan)
    members, problems = {}, []
    for name in names:
        inner, images = scan.look(f"{name}/")
        members[name] = [f"{folder}/{name}/{image}" for image in images]
        problems += _class_problems(root / folder / name, inner, images)
    if flat:
        problems.append(
            f"{root / folder} holds {len(flat):,} images outside class folders, {flat[0]} for example; move them into "
            "the folders of their classes or away"
        )
    elif not names:
        problems.append(f"{root / folder} holds no class folder; it must hold <class>/<image>")
    return _listing(members, (), [*problems, *_official_twice(members)], scan)


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


def _official_twice(members: Mapping[str, Sequence[str]]) -> list[str]:
    """Names images of ImageNet's val, whose numbers are theirs alone, that stand in two class folders."""
    first: dict[str, str] = {}
    again = []
    for image in (image for images in members.values() for image in images):
        name = image.rpartition("/")[2]
        if name.startswith(_FLAT_PREFIX) and first.setdefault(name, image) != image:
            again.append(image)
    if not again:
        return []
    other = first[again[0].rpartition("/")[2]]
    more = f" (and {len(again) - 1:,} more so)" if again[1:] else ""
    return [f"{again[0]} is the image {other} again{more}; an image has one class, remove the wrong one"]


def _list_flat(root: Path, folder: str, names: Sequence[str], scan: Scan) -> ClassListing:
    """Lists ImageNet's val as it is shipped."""
    label_files = find_label_files(root, root / DEVKIT)
    if not label_files:
        problem = (
            f"{root / folder} holds {len(names):,} images outside class folders and nothing tells their classes: put "
            f"{DEVKIT}/ or LOC_val_solution.csv into {root}, or have them sorted by 'densebench data imagenet --from' "
            "the val archive and the development kit"
        )
        return _listing({}, (), [problem], scan)
    try:
        classes = read_classes(label_files)
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
    """Puts together the images of each class; the classes come sorted."""
    return ClassListing(
        classes=tuple(members),
        images=tuple(image for images in members.values() for image in images),
        labels=np.repeat(np.arange(len(members)), [len(images) for images in members.values()]),
        label_files=label_files,
        problems=(*scan.problems, *scan.twins, *problems),
        notes=tuple(scan.notes),
    )
