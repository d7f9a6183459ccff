"""Datasets of one's own: from a description to a dataset like those that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.data.dataset import ClassificationDataset, Dataset, DepthDataset, SegmentationDataset
from benchmark.data.depth_encoding import DepthEncoding
from benchmark.data.description import (
    ClassificationDescription,
    DepthDescription,
    Description,
    SegmentationDescription,
    read_description,
)
from benchmark.data.folders import SUFFIXES
from benchmark.data.label_encoding import LabelEncoding
from benchmark.data.sources import ClassFolders, ClassList, DepthFolders, DepthList, LabelFolders

_USUAL_SIZE = (480, 640)
"""(height, width) that estimates of cost count on where no image has been looked at."""


def dataset_of(name: str, description: Description, path: Path | None = None) -> Dataset:
    """Returns the dataset that a description describes.

    Args:
        name: Of the dataset: the stem of its file.
        description: What the file says.
        path: The file, where it was read.
    """
    make, about = _MAKERS[type(description)], description.model_dump(mode="json", exclude_defaults=True)
    about["kind"] = description.kind
    common = {
        "name": name,
        "title": description.title or name,
        "folder": ".",
        "counts": {},
        "usual_size": _USUAL_SIZE,
        "description": about,
        "path": path,
    }
    return make(description, common)


def read_dataset(path: Path) -> Dataset:
    """Reads a dataset's description; raises DataError for what is wrong with it."""
    return dataset_of(*read_description(path), path)


def _segmentation(given: SegmentationDescription, common: dict[str, Any]) -> SegmentationDataset:
    return SegmentationDataset(
        **common,
        splits={name: (LabelFolders(one.images, one.labels),) for name, one in given.splits.items()},
        classes=tuple(given.classes.values()),
        labels=LabelEncoding(tuple(given.classes), frozenset(given.ignore), given.palette, given.ignore_palette),
        image_suffixes=SUFFIXES if given.image_suffix is None else (given.image_suffix,),
        label_suffix=given.label_suffix,
        palette="any",
    )


def _depth(given: DepthDescription, common: dict[str, Any]) -> DepthDataset:
    return DepthDataset(
        **common,
        splits={
            name: DepthFolders(one.images, one.depths) if one.list is None else DepthList((one.list,))
            for name, one in given.splits.items()
        },
        encoding=DepthEncoding(given.per_metre),
        depth_range=given.range,
        evaluation_crop=given.evaluation_crop,
    )


def _classification(given: ClassificationDescription, common: dict[str, Any]) -> ClassificationDataset:
    return ClassificationDataset(
        **common,
        splits={
            name: ClassFolders((one.images,)) if one.list is None else ClassList(one.list)
            for name, one in given.splits.items()
        },
    )


_MAKERS: dict[type[Description], Callable[[Any, dict[str, Any]], Dataset]] = {
    SegmentationDescription: _segmentation,
    DepthDescription: _depth,
    ClassificationDescription: _classification,
}
