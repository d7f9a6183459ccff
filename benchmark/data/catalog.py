"""What each dataset holds on disk, for checking it: which image belongs to which label, and what labels mean.

Reads names and lists only, no pixels, and imports nothing heavy. Adding a dataset to `CATALOG` is all it takes to have
it checked by ``densebench check --data NAME``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.data import DATASETS
from benchmark.data.class_folders import list_classes
from benchmark.data.depth_list import NO_DEPTH, read_depth_list
from benchmark.data.layout import ClassificationLayout, DepthEncoding, DepthLayout, Part, SegmentationLayout
from benchmark.data.lines import read_lines
from benchmark.errors import UsageError, did_you_mean


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

    names: Callable[[Path], Sequence[str]] = lambda _root: ()
    """Class names, given the dataset's root; empty where unknown."""


@dataclass(frozen=True)
class DepthLabels:
    """What the values of a depth map mean."""

    encoding: DepthEncoding
    """How they become metres."""

    plausible: tuple[float, float]
    """Metres between which the median of a split lies, if the scale is right."""


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

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder


def find_dataset(name: str) -> Dataset:
    """Returns a dataset by name; raises UsageError for an unknown one."""
    if name not in CATALOG:
        raise UsageError(f"unknown dataset {name!r}{did_you_mean(name, CATALOG)}; known: {', '.join(CATALOG)}")
    return CATALOG[name]


# Segmentation --------------------------------------------------------------------------------------------------------


def _segmentation(
    layout: SegmentationLayout, image_suffix: str, label_suffix: str
) -> Callable[[Path], list[SplitFiles]]:
    def read(root: Path) -> list[SplitFiles]:
        splits = []
        for name, parts in layout.splits.items():
            if any(not (root / path).exists() for part in parts for path in part.paths):
                continue
            pairs = [
                Pair(root / part.images / f"{stem}{image_suffix}", root / part.labels / f"{stem}{label_suffix}")
                for part in parts
                for stem in _stems(root, part, image_suffix)
            ]
            problems = [
                f"{root / part.labels / (stem + label_suffix)} has no image"
                for part in parts
                if part.ids is None
                for stem in sorted(
                    set(_walk(root / part.labels, label_suffix)) - set(_walk(root / part.images, image_suffix))
                )
            ]
            source = root / (parts[0].ids or parts[0].images)
            optional = name not in ("train", "val")
            splits.append(SplitFiles(name, tuple(pairs), layout.counts[name], source, optional, tuple(problems)))
        return splits

    return read


def _stems(root: Path, part: Part, suffix: str) -> list[str]:
    if part.ids is not None:
        return read_lines(root / part.ids)
    return sorted(_walk(root / part.images, suffix), key=lambda stem: str(root / part.images / stem) + suffix)


def _walk(folder: Path, suffix: str) -> Iterator[str]:
    """Yields the paths below ``folder`` that end with ``suffix``, without it."""
    for path, _, names in os.walk(folder):
        below = Path(path).relative_to(folder).as_posix()
        for name in names:
            if name.endswith(suffix) and not name.startswith("."):
                yield f"{below}/{name}".removeprefix("./").removesuffix(suffix)


def _ade20k_names(root: Path) -> list[str]:
    path = root / "objectInfo150.txt"
    if not path.is_file():
        return []
    return [line.split("\t")[-1].split(",")[0].strip() for line in read_lines(path)[1:]]


_VOC_NAMES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
_CITYSCAPES_NAMES = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation"),
    *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
)


# Depth ---------------------------------------------------------------------------------------------------------------


def _depth(layout: DepthLayout) -> Callable[[Path], list[SplitFiles]]:
    def read(root: Path) -> list[SplitFiles]:
        splits = []
        for name, part in layout.splits.items():
            path = part.find(root)
            if path is None:
                continue
            found = read_depth_list(path, root, part.folders)
            pairs = tuple(Pair(image, depth) for image, depth in found.pairs)
            left_out = f"lines of {path.name} without depth map ({NO_DEPTH}), left out: {found.without_depth}"
            notes = (left_out,) if found.without_depth else ()
            splits.append(SplitFiles(name, pairs, layout.counts[name], path, False, found.problems, notes))
        return splits

    return read


def _depth_dataset(name: str, title: str, plausible: tuple[float, float]) -> Dataset:
    layout = DATASETS[name]
    labels = DepthLabels(layout.encoding, plausible)
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
            notes = tuple(f"classes as told by {path}" for path in found.label_files[:1])
            splits.append(
                SplitFiles(
                    name, pairs, layout.counts[name], root / folder, False, found.problems, notes, found.label_files
                )
            )
        return splits

    return read


CATALOG: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "ade20k",
            "ADE20K scene parsing (SceneParse150)",
            DATASETS["ade20k"].folder,
            _segmentation(DATASETS["ade20k"], ".jpg", ".png"),
            ClassLabels(1, 150, frozenset({0, 255}), _ade20k_names),
        ),
        Dataset(
            "voc2012",
            "PASCAL VOC 2012 segmentation",
            DATASETS["voc2012"].folder,
            _segmentation(DATASETS["voc2012"], ".jpg", ".png"),
            ClassLabels(0, 21, frozenset({255}), lambda _root: _VOC_NAMES),
        ),
        Dataset(
            "cityscapes",
            "Cityscapes, fine annotations",
            DATASETS["cityscapes"].folder,
            _segmentation(DATASETS["cityscapes"], "_leftImg8bit.png", "_gtFine_labelTrainIds.png"),
            ClassLabels(0, 19, frozenset({255}), lambda _root: _CITYSCAPES_NAMES),
        ),
        _depth_dataset("nyu", "NYU Depth v2, BTS subset", (0.3, 10.0)),
        _depth_dataset("kitti", "KITTI, Eigen split", (2.0, 80.0)),
        _depth_dataset("sunrgbd", "SUN RGB-D", (0.3, 8.0)),
        Dataset("imagenet", "ImageNet-1k", DATASETS["imagenet"].folder, _classification(DATASETS["imagenet"])),
    )
}
