"""What each dataset holds on disk, for checking it: which image belongs to which label, and what labels mean.

Reads names and lists only, no pixels, and imports nothing heavy. Adding a dataset to `CATALOG` is all it takes to have
it checked by ``densebench check --data NAME``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data import DATASETS
from benchmark.data.class_folders import list_classes
from benchmark.data.depth_list import read_depth_list
from benchmark.data.imagenet import REAL, SKETCH, V2
from benchmark.data.layout import ClassificationLayout, Colours, DepthEncoding, DepthLayout, SegmentationLayout
from benchmark.data.map_listing import MapListing
from benchmark.data.segmentation_list import list_segmentation
from benchmark.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from benchmark.data.extra_sets import ExtraSet

_IGNORED = 255  # in every dataset that is here


@dataclass(frozen=True)
class Pair:
    """An image with its label map or depth map."""

    image: Path
    label: Path | None
    """None where the image is of one class."""

    category: str = ""
    """That class."""


@dataclass(frozen=True)
class SplitFiles:
    """What names and lists say about one split."""

    name: str
    pairs: tuple[Pair, ...]
    official: int
    """Images of the official release."""

    source: Path
    """The list or folder the pairs come from."""

    optional: bool = False
    """Whether the dataset is complete without it."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    label_files: tuple[Path, ...] = ()
    """Files that tell the class of each image."""


@dataclass(frozen=True)
class ClassLabels:
    """What the values of a label map mean."""

    first: int
    """Value of the first class."""

    count: int
    """Number of classes."""

    ignored: frozenset[int]
    """Values that are not scored."""

    colours: Colours = "any"
    """What palettes hold."""


@dataclass(frozen=True)
class DepthLabels:
    """What the values of a depth map mean."""

    encoding: DepthEncoding
    """How they become metres."""

    usual_median: tuple[float, float]
    """Metres between which the median of a split lies, if the unit is right."""


@dataclass(frozen=True)
class FurtherSets:
    """Test sets beside a dataset that its benchmarks score too."""

    splits: tuple[tuple[Path, SplitFiles], ...] = ()
    """The root of each set's own dataset, and its files."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Why a set that is there is not scored."""


@dataclass(frozen=True)
class Dataset:
    """A dataset as the data doctor sees it."""

    name: str
    title: str
    folder: str
    """Root of the official layout, relative to the data root."""

    read: Callable[[Path], list[SplitFiles]]
    """Lists the splits, given the dataset's root; a split without its list or folder is left out."""

    labels: ClassLabels | DepthLabels | None = None
    """None for image classification."""

    splits: tuple[str, ...] = ("train", "val")
    """Splits without which it is incomplete."""

    further: Callable[[Path], FurtherSets] = lambda _data_root: FurtherSets()
    """Lists the further test sets, given the folder of all datasets; it is called where the splits have no problem."""

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder


def find_dataset(name: str) -> Dataset:
    """Returns a dataset by name; raises UsageError for an unknown one."""
    if name not in CATALOG:
        raise UsageError(f"unknown dataset {name!r}{did_you_mean(name, CATALOG)}; known: {', '.join(CATALOG)}")
    return CATALOG[name]


# Images with maps ----------------------------------------------------------------------------------------------------


def _segmentation(layout: SegmentationLayout) -> Callable[[Path], list[SplitFiles]]:
    def read(root: Path) -> list[SplitFiles]:
        splits = []
        for name, parts in layout.splits.items():
            if any(not (root / path).exists() for part in parts for path in part.paths):
                continue
            source = root / (parts[0].ids or parts[0].images)
            found = list_segmentation(root, layout, name)
            splits.append(_with_maps(name, found, layout.counts[name], source, optional=name not in ("train", "val")))
        return splits

    return read


def _with_maps(name: str, found: MapListing, official: int, source: Path, *, optional: bool = False) -> SplitFiles:
    pairs = tuple(Pair(image, label) for image, label in found.pairs)
    return SplitFiles(name, pairs, official, source, optional, found.problems, found.notes)


def _segmentation_dataset(name: str, title: str) -> Dataset:
    layout = DATASETS[name]
    first, ignored = (1, {0, _IGNORED}) if layout.zero_is_other else (0, {_IGNORED})
    labels = ClassLabels(first, layout.num_classes, frozenset(ignored), layout.colours)
    return Dataset(name, title, layout.folder, _segmentation(layout), labels)


def _depth(layout: DepthLayout) -> Callable[[Path], list[SplitFiles]]:
    def read(root: Path) -> list[SplitFiles]:
        splits = []
        for name, part in layout.splits.items():
            path = part.find(root)
            if path is None:
                continue
            found = read_depth_list(path, root, part.folders)
            splits.append(_with_maps(name, found, layout.counts[name], path))
        return splits

    return read


def _depth_dataset(name: str, title: str) -> Dataset:
    layout = DATASETS[name]
    labels = DepthLabels(layout.encoding, layout.usual_median)
    return Dataset(name, title, layout.folder, _depth(layout), labels, tuple(layout.splits))


# Classification ------------------------------------------------------------------------------------------------------


def _classification(layout: ClassificationLayout) -> Callable[[Path], list[SplitFiles]]:
    def read(root: Path) -> list[SplitFiles]:
        splits = []
        for name in layout.splits:
            folder = layout.find(root, name)
            if folder is None:
                continue
            found = list_classes(root, folder)
            pairs = tuple(
                Pair(root / image, None, found.classes[label])
                for image, label in zip(found.images, found.labels.tolist(), strict=True)
            )
            notes = (*(f"classes as told by {path}" for path in found.label_files[:1]), *found.notes)
            splits.append(
                SplitFiles(
                    name, pairs, layout.counts[name], root / folder, False, found.problems, notes, found.label_files
                )
            )
        return splits

    return read


def _further_imagenet(data_root: Path) -> FurtherSets:
    """Lists what the benchmarks list, by their own code."""
    layout = DATASETS["imagenet"]
    there = [not each.missing(data_root) for each in (V2, SKETCH)]
    if not any((*there, (layout.root(data_root) / REAL).is_file())):
        return FurtherSets()
    from benchmark.data.classification import ClassificationSplit  # noqa: PLC0415  (it needs torch)
    from benchmark.data.extra_sets import extra_sets  # noqa: PLC0415

    try:
        train, val = (ClassificationSplit(layout, data_root, name) for name in ("train", "val"))
        sets, reasons = extra_sets(data_root, train, val)
    except DataError as error:
        return FurtherSets(problems=(str(error),))
    notes = [f"{one.name} labels {len(one.split):,} of the images" for one in sets if one.of_val is not None]
    return FurtherSets(
        tuple((one.split.root, _further_split(one)) for one in sets if one.of_val is None), (), (*notes, *reasons)
    )


def _further_split(one: ExtraSet) -> SplitFiles:
    classes = [one.split.classes[label] for label in one.split.labels.tolist()]
    pairs = tuple(Pair(file, None, category) for file, category in zip(one.split.files, classes, strict=True))
    return SplitFiles(
        one.name, pairs, one.split.layout.counts["val"], one.split.root, optional=True, notes=one.split.notes
    )


CATALOG: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        _segmentation_dataset("ade20k", "ADE20K scene parsing (SceneParse150)"),
        _segmentation_dataset("voc2012", "PASCAL VOC 2012 segmentation"),
        _segmentation_dataset("cityscapes", "Cityscapes, fine annotations"),
        _depth_dataset("nyu", "NYU Depth v2, BTS subset"),
        _depth_dataset("kitti", "KITTI, Eigen split"),
        _depth_dataset("sunrgbd", "SUN RGB-D"),
        Dataset(
            "imagenet",
            "ImageNet-1k",
            DATASETS["imagenet"].folder,
            _classification(DATASETS["imagenet"]),
            further=_further_imagenet,
        ),
    )
}
