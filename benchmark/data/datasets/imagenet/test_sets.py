"""Further test sets for the classes of ImageNet, scored where their files lie beside it.

    real    imagenet/real.json: several labels for each image of val (Beyer et al., arXiv 2006.07159), in the order of
            ILSVRC2012_val_00000001 to 00050000; images without any are left out
    v2      imagenet-v2/imagenetv2-matched-frequency-format-val/0..999/: a folder's name is the label
    sketch  imagenet-sketch/sketch/<class>/

Labels of the first two are ranks among ImageNet's thousand classes, so that they mean nothing on a subset of these; a
set that does not fit is left out with a reason, never scored with wrong labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark.data.classification import ClassificationSplit, LabelledImages
from benchmark.data.dataset import ClassificationDataset
from benchmark.data.extra_set import ExtraSet
from benchmark.data.sources import ClassFolders
from benchmark.errors import DataError

_CLASSES = 1000
_VAL_IMAGES = 50_000
_VAL_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.\w+")


REAL = "real.json"
"""Beyer et al., arXiv 2006.07159; beside ``val``."""

V2 = ClassificationDataset(
    name="imagenet-v2",
    title="ImageNetV2, matched frequency",
    position=2,
    folder="imagenet-v2",
    splits={"val": ClassFolders(("imagenetv2-matched-frequency-format-val",))},
    counts={"val": 10_000},
    usual_size=(375, 500),
)
"""Recht et al., ICML 2019; a folder's name is the label."""

SKETCH = ClassificationDataset(
    name="imagenet-sketch",
    title="ImageNet-Sketch",
    position=3,
    folder="imagenet-sketch",
    splits={"val": ClassFolders(("sketch",))},
    counts={"val": 50_889},
    usual_size=(500, 500),
)
"""Wang et al., NeurIPS 2019."""


def extra_sets(
    data_root: Path, splits: Callable[[], tuple[LabelledImages, LabelledImages]], limit: int | None
) -> tuple[list[ExtraSet], list[str]]:
    """Finds the further test sets that are there and fit the classes.

    Args:
        data_root: Folder that holds all datasets.
        splits: Opens the split heads are trained on, whose classes are what they tell apart, and val, whose images ReaL
            labels; it is called where any set is there.
        limit: Keep so many images of "v2" and "sketch", spread evenly over the classes; "real" has those of val.

    Returns:
        The sets, and a reason for each one that is there and left out.

    Raises:
        DataError: One whose files are damaged or incomplete.
    """
    if (V2.missing(data_root) and SKETCH.missing(data_root)) and not (data_root / "imagenet" / REAL).is_file():
        return [], []
    train, val = splits()
    sets, reasons = [], []
    for found in (_real(train, val), _v2(data_root, train, limit), _sketch(data_root, train, limit)):
        if isinstance(found, ExtraSet):
            sets.append(found)
        elif found is not None:
            reasons.append(found)
    return sets, reasons


def read_real(path: Path) -> list[tuple[int, ...]]:
    """Reads ReaL's labels: those of each image of val, in order.

    Raises:
        DataError: Anything but 50,000 lists of labels 0 to 999.
    """
    try:
        labels = [tuple(map(int, some)) for some in json.loads(path.read_text("utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} holds no lists of labels: {error}") from error
    if len(labels) != _VAL_IMAGES or not all(0 <= label < _CLASSES for some in labels for label in some):
        raise DataError(f"{path}: expected {_VAL_IMAGES:,} lists of labels 0 to {_CLASSES - 1}, found {len(labels):,}")
    return labels


def _real(train: LabelledImages, val: LabelledImages) -> ExtraSet | str | None:
    path = val.root / REAL
    if not path.is_file():
        return None
    if len(train.classes) != _CLASSES:
        return _not_thousand("real", path, train)
    names = val.names
    matches = [_VAL_NAME.fullmatch(name.rpartition("/")[2]) for name in names]
    strange = next((name for name, match in zip(names, matches, strict=True) if match is None), None)
    if strange is not None:
        return f"real is left out: {path} labels ILSVRC2012_val_00000001 and so on, val holds {strange}"
    labels = read_real(path)
    numbers = [int(match[1]) - 1 for match in matches if match is not None]
    outside = next((number for number in numbers if not 0 <= number < _VAL_IMAGES), None)
    if outside is not None:
        return f"real is left out: val holds an image number {outside + 1}, ReaL labels 1 to {_VAL_IMAGES:,}"
    kept = np.array([index for index, number in enumerate(numbers) if labels[number]], np.int64)
    if kept.size == 0:
        return f"real is left out: {path} labels none of the {len(val):,} images of val"
    split = LabelledImages(
        val.dataset, val.root, "real",
        images=[names[index] for index in kept],
        labels=val.labels[kept],
        classes=train.classes,
        label_files=(*val.label_files, path),
    )  # fmt: skip
    return ExtraSet("real", split, tuple(labels[numbers[index]] for index in kept), tuple(kept.tolist()))


def _v2(data_root: Path, train: LabelledImages, limit: int | None) -> ExtraSet | str | None:
    if V2.missing(data_root):
        return None
    if len(train.classes) != _CLASSES:
        return _not_thousand("v2", V2.root(data_root), train)
    split = ClassificationSplit(V2, data_root, "val", limit=limit)
    strange = set(split.classes) ^ {str(label) for label in range(_CLASSES)}
    if strange:
        raise DataError(
            f"{V2.name}: {split.root} must hold the folders 0 to {_CLASSES - 1}; {len(strange):,} are amiss, "
            f"{min(strange)} for example"
        )
    return _relabelled("v2", split, V2, [int(name) for name in split.classes], train.classes)


def _sketch(data_root: Path, train: LabelledImages, limit: int | None) -> ExtraSet | str | None:
    if SKETCH.missing(data_root):
        return None
    split = ClassificationSplit(SKETCH, data_root, "val", limit=limit)
    strange = set(split.classes) - set(train.classes)
    if strange:
        return f"sketch is left out: {len(strange):,} of its classes are not in train, {min(strange)} for example"
    rank = {name: label for label, name in enumerate(train.classes)}
    return _relabelled("sketch", split, SKETCH, [rank[name] for name in split.classes], train.classes)


def _relabelled(
    name: str, split: ClassificationSplit, dataset: ClassificationDataset, ranks: list[int], classes: tuple[str, ...]
) -> ExtraSet:
    """Gives the images of a set the labels of the trained classes; ``ranks`` says which, for each of its own."""
    labels = np.array(ranks, np.int64)[split.labels]
    images = LabelledImages(dataset, split.root, "val", images=split.names, labels=labels, classes=classes)
    images.notes = split.notes
    return ExtraSet(name, images, tuple((label,) for label in labels.tolist()))


def _not_thousand(name: str, path: Path, train: LabelledImages) -> str:
    return (
        f"{name} is left out: the labels of {path} are ranks among ImageNet's {_CLASSES:,} classes, train holds "
        f"{len(train.classes):,}"
    )
