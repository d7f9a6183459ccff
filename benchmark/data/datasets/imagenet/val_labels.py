"""The classes of ImageNet's validation images, which are shipped in one flat folder, and sorting them by these.

The class of each image stands in one of two places:

    ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt      one ILSVRC2012_ID a line, in image order,
    ILSVRC2012_devkit_t12/data/meta.mat                                    and the class folder of each ID
    LOC_val_solution.csv                                                   "image,class ..." (challenge site)

An ILSVRC2012_ID is not the rank of the sorted class folders, which is what a class is here.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from benchmark.data.lines import read_lines
from benchmark.data.map_listing import Mention, repeats
from benchmark.data.sources import FlatImages
from benchmark.errors import DataError

DEVKIT = "ILSVRC2012_devkit_t12/data"
"""Where the development kit keeps the files that tell classes."""

_SOLUTION = "LOC_val_solution.csv"
_TRUTH, _META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
_CLASS = re.compile(r"n\d{8}")


def sort_val(flat: Path, devkit: Path, val: Path) -> str | None:
    """Moves the images of ``flat`` into ``val/<class>/``.

    Args:
        flat: Folder of ``ILSVRC2012_val_*.JPEG``.
        devkit: Folder with the files that tell classes.
        val: The split's folder.

    Returns:
        A line that says how many were sorted, or None.

    Raises:
        DataError: Nothing tells the classes, or not those of all images.
    """
    images = sorted(flat.glob("*.JPEG")) if flat.is_dir() else []
    if not images:
        return None
    label_files = find_label_files(devkit)
    if not label_files:
        raise DataError(
            "the val images are not in class folders: give the development kit (ILSVRC2012_devkit_t12.tar.gz) or "
            f"{_SOLUTION} as well"
        )
    classes = read_classes(label_files)
    for image in images:
        if image.stem not in classes:
            raise DataError(f"nothing tells the class of {image.name}")
        target = val / classes[image.stem] / image.name
        target.parent.mkdir(parents=True, exist_ok=True)
        image.rename(target)
    return f"val: {len(images):,} images sorted into {len(set(classes.values())):,} classes"


def find_label_files(*folders: Path) -> tuple[Path, ...]:
    """Returns the files that tell the classes, from the first of ``folders`` that has them; none if none has."""
    for folder in folders:
        for names in ((_SOLUTION,), (_TRUTH, _META)):
            paths = tuple(folder / name for name in names)
            if all(path.is_file() for path in paths):
                return paths
    return ()


def read_classes(label_files: tuple[Path, ...]) -> dict[str, str]:
    """Returns the class folder of each image, by the image's stem.

    Args:
        label_files: What `find_label_files` found.

    Raises:
        DataError: A file that is not what its name says.
    """
    classes = _read_solution(*label_files) if label_files[0].name == _SOLUTION else _read_devkit(*label_files)
    strange = [name for name in classes.values() if not _CLASS.fullmatch(name)]
    if strange:  # it becomes a folder's name
        raise DataError(f"{label_files[0]}: expected a class such as n01440764, found {strange[0]!r}")
    return classes


def _read_solution(path: Path) -> dict[str, str]:
    """Reads rows of "image,class ..."; the header and other rows are not about val."""
    classes: dict[str, str] = {}
    mentions = []
    for line in read_lines(path):
        row = next(csv.reader([line.text]))
        if len(row) > 1 and row[0].startswith("ILSVRC2012_val_") and row[1].split():
            mentions.append(Mention(row[0], path, line.number))
            classes[row[0]] = row[1].split()[0]
    for problem in repeats(mentions):
        raise DataError(problem)
    return classes


def _read_devkit(truth: Path, meta: Path) -> dict[str, str]:
    """Reads one ILSVRC2012_ID a line; the number of the line is that of the image."""
    folders, classes = _folders(meta), {}
    for number, line in enumerate(read_lines(truth), start=1):
        if line.number != number:
            raise DataError(f"{truth}, line {number} is blank, and line {number} tells the class of val image {number}")
        if not line.text.isdecimal() or int(line.text) not in folders:
            raise DataError(f"{truth}, line {number} holds the class {line.text}, which {meta} does not know")
        classes[f"ILSVRC2012_val_{number:08d}"] = folders[int(line.text)]
    return classes


def _folders(meta: Path) -> dict[int, str]:
    """Returns the class folder of each ILSVRC2012_ID that is a leaf of the hierarchy."""
    from scipy.io import loadmat  # noqa: PLC0415  (a second of import that nothing else needs)

    try:
        synsets = loadmat(meta, squeeze_me=True)["synsets"]
        return {
            int(number): str(folder)
            for number, folder, children in zip(
                synsets["ILSVRC2012_ID"], synsets["WNID"], synsets["num_children"], strict=True
            )
            if int(children) == 0
        }
    except Exception as error:  # scipy's parser fails in many ways
        raise DataError(f"{meta} is not that of the development kit: {error}") from error


def _label_files(root: Path) -> tuple[Path, ...]:
    return find_label_files(root, root / DEVKIT)


FLAT_IMAGES = FlatImages(
    prefix="ILSVRC2012_val_",
    find=_label_files,
    read=read_classes,
    wanted=f"put {DEVKIT}/ or {_SOLUTION} into {{root}}, or have them sorted by 'densebench data imagenet --from' the "
    "val archive and the development kit",
)
"""Val as it is shipped."""
