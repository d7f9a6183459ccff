"""What a dataset is: where its official layout keeps what, what its labels mean, where it comes from. Imports no torch.

One object is one dataset; those that ship stand in ``benchmark/data/datasets/``, one file each. Nothing else in the
code knows which datasets there are.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from benchmark.data.classification import ClassificationSplit, LabelledImages
from benchmark.data.decoding import FETCH, depth_map_problem, label_map_problem, unit_problem
from benchmark.data.depth import DepthSplit
from benchmark.data.depth_encoding import DepthEncoding
from benchmark.data.extra_set import ExtraSet
from benchmark.data.folders import readable
from benchmark.data.label_encoding import LabelEncoding, PaletteKind
from benchmark.data.list_classes import ClassListing, class_differences, list_class_folders, list_class_list
from benchmark.data.list_depth import list_depth_folders, read_depth_list
from benchmark.data.list_segmentation import list_segmentation
from benchmark.data.map_content import DepthRange, MapContent
from benchmark.data.map_listing import MapListing
from benchmark.data.palettes import palette_problem
from benchmark.data.recipe import Checksum, Recipe
from benchmark.data.segmentation import SegmentationSplit, decode_labels
from benchmark.data.sources import ClassFolders, ClassList, DepthFolders, DepthList, LabelFolders
from benchmark.data.split import Split
from benchmark.data.split_files import FurtherSets, Pair, SplitFiles
from benchmark.errors import DataError

OpenSplits = Callable[[], tuple[LabelledImages, LabelledImages]]
"""Opens train and val."""


@dataclass(frozen=True)
class KnownVariant:
    """A variant of a dataset that people take for the official one."""

    split: str
    images: int
    """Images that the split has in it."""

    text: str
    """What it is, for a person."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dataset(ABC):
    """A dataset on disk."""

    map_name: ClassVar[str | None] = None
    """What belongs to each image; None where an image is of one class."""

    empty_map: ClassVar[str] = ""
    """What no pixel of a map does that holds nothing to score."""

    name: str
    """Name on the command line."""

    title: str
    """Name as a person writes it."""

    position: int = 1000
    """Place among the datasets of its kind, in lists and columns; those without one come last, by name."""

    folder: str
    """Root of the official layout, relative to the data root."""

    splits: Mapping[str, Any]
    """Where each split lies, relative to the root."""

    counts: Mapping[str, int]
    """Images of each split of the official release, as far as there is one."""

    usual_size: tuple[int, int]
    """(height, width) of a common image, pixels; estimates of cost count on it."""

    averaged: bool = False
    """Whether its score is part of the average over its group."""

    trained_on: str | None = None
    """Dataset of the training images where it is another: its benchmarks are zero-shot."""

    scene: Callable[[str], str] | None = None
    """From an image's path, relative to the root, to where it was filmed; None where images are not of a film. A sweep
    chooses on whole scenes: a frame's neighbours show the same."""

    recipe: Recipe | None = None
    """How it is made of its official archives; None for one that is used where it lies."""

    checksums: Mapping[str, Checksum] = field(default_factory=dict)
    """Of archives, by file name."""

    known_variants: tuple[KnownVariant, ...] = ()
    """Told apart by the number of images."""

    official_variant: Callable[[Mapping[str, tuple[int, int]]], str] | None = None
    """Says which official release somebody has who lacks nothing, where there are several; given images that are there
    and of the release, by split."""

    description: Mapping[str, Any] | None = None
    """What a description file says, of a dataset of one's own; None for those that ship."""

    path: Path | None = None
    """That file, where it was read; a record holds what it says and not the file."""

    def __repr__(self) -> str:
        return f"<dataset {self.name}>"

    @property
    def needed(self) -> tuple[str, ...]:
        """Splits without which it is incomplete."""
        return tuple(name for name in self.splits if name in ("train", "val"))

    @property
    def protocol_fields(self) -> dict[str, Any]:
        """Returns what protocols of its kind take from it, where their configs do not say it."""
        return {}

    def class_name(self, number: int) -> str:
        """Names a class, by its number where no name is known."""
        return f"class {number}"

    @property
    def num_classes(self) -> int:
        """Classes that the pixels of its maps are of; 0 where they have none."""
        return 0

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder

    @property
    def description_hash(self) -> str | None:
        """Hash of what its description says the files mean, 16 hexadecimal digits; None for those that ship.

        Title and folders are no part of it: the same files under another name are the same data.
        """
        if self.description is None:
            return None
        meaning = {key: value for key, value in self.description.items() if key not in ("title", "splits")}
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]

    def fingerprint(self, files: str) -> str:
        """Returns the fingerprint of its data, given that of names and contents of its files."""
        meaning = self.description_hash
        return files if meaning is None else hashlib.sha256(f"{files} {meaning}".encode()).hexdigest()[:16]

    @property
    def advice(self) -> str:
        """Tells a user whose data lacks something what to do."""
        if self.description is not None:
            return "give the --data-root that the paths in its description are relative to, or mend them"
        return f"'densebench data {self.name}' shows what belongs there"

    @readable()
    def missing(self, data_root: Path, splits: tuple[str, ...] | None = None) -> list[Path]:
        """Lists the folders and lists of ``splits`` (those a benchmark needs by default) that are not there."""
        root = self.root(data_root)
        paths = [path for split in splits or self.needed for path in self._missing(root, split)]
        return list(dict.fromkeys(paths))

    @readable()
    def read_splits(self, root: Path) -> list[SplitFiles]:
        """Lists the files of every split whose list or folders are there."""
        return [self._files(root, name) for name in self.splits if self._is_listed(root, name)]

    def further_sets(self, data_root: Path) -> FurtherSets:
        """Lists test sets that lie beside it and are scored too."""
        return FurtherSets()

    def open_further(
        self, data_root: Path, train: Split, val: Split, limit: int | None
    ) -> tuple[list[ExtraSet], list[str]]:
        """Opens the test sets that lie beside it.

        Args:
            data_root: Folder that holds all datasets.
            train: What heads are trained on.
            val: The scored split.
            limit: Keep so many images only.

        Returns:
            The sets, and why others that are there cannot be scored.
        """
        return [], []

    def map_problem(self, begin: bytes) -> str | None:
        """Says of the first bytes of a file why it is not a map of this kind; None if it is one."""
        return None

    def read_map(self, picture: Image.Image) -> MapContent:
        """Says what a decoded map holds.

        Raises:
            ValueError: What it holds cannot be a map of this dataset; the message says why.
        """
        return MapContent()

    def unit_problem(self, depths: DepthRange) -> str | None:
        """Says why a split of these depths must be in another unit; None where it need not be or has none.

        Args:
            depths: Of all maps; the median is that of their medians.
        """
        return None

    def split_differences(self, splits: list[SplitFiles]) -> list[str]:
        """Says in what the splits differ that must be the same."""
        return []

    @abstractmethod
    def open(self, data_root: Path, split: str, *, limit: int | None = None) -> Split:
        """Opens a split for reading.

        Args:
            data_root: Folder that holds all datasets.
            split: Name.
            limit: Keep so many images only.

        Raises:
            DataError: An unknown split, or whatever is wrong with its files.
        """

    def _is_listed(self, root: Path, split: str) -> bool:
        """Tells whether there is what says which files a split has."""
        return not self._missing(root, split)

    @abstractmethod
    def _missing(self, root: Path, split: str) -> list[Path]: ...

    @abstractmethod
    def _files(self, root: Path, split: str) -> SplitFiles: ...

    def _with_maps(self, split: str, found: MapListing, source: Path) -> SplitFiles:
        pairs = tuple(Pair(image, label) for image, label in found.pairs)
        optional = split not in self.needed
        return SplitFiles(split, pairs, self.counts.get(split), source, optional, found.problems, found.notes)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SegmentationDataset(Dataset):
    """A semantic segmentation dataset on disk."""

    map_name: ClassVar[str | None] = "label map"
    empty_map: ClassVar[str] = "holds a class, all are ignored"

    splits: Mapping[str, tuple[LabelFolders, ...]]
    """Parts of each split."""

    classes: tuple[str, ...]
    """Names of the classes that are scored, in the order of their ids."""

    labels: LabelEncoding
    """What the values of label maps mean."""

    image_suffixes: tuple[str, ...] = (".jpg",)
    """What names of images may end with, after the part that they share with their label map's."""

    label_suffix: str = ".png"
    """The same for label maps."""

    beside_labels: tuple[str, ...] = ()
    """What names of other official files among the label maps end with."""

    palette: PaletteKind = "grey"
    """What the palettes of label maps hold, where they have any."""

    @property
    def num_classes(self) -> int:
        """Classes that are scored."""
        return len(self.classes)

    def class_name(self, number: int) -> str:
        """Names a class, by its number where no name is known."""
        return self.classes[number] if number < len(self.classes) else super().class_name(number)

    def list_split(self, root: Path, split: str) -> MapListing:
        """Lists images and label maps of a split whose folders and lists are there."""
        return list_segmentation(
            root,
            self.splits[split],
            image_suffixes=self.image_suffixes,
            label_suffix=self.label_suffix,
            beside_labels=self.beside_labels,
        )

    def open(self, data_root: Path, split: str, *, limit: int | None = None) -> Split:
        """Opens a split for reading; see `Dataset.open`."""
        return SegmentationSplit(self, data_root, split, limit=limit)

    def map_problem(self, begin: bytes) -> str | None:
        """Says of the first bytes of a file why it is not a label map; None if it is one."""
        coloured = self.labels.colours is not None
        own = (
            "save it as 8-bit RGB PNG"
            if coloured
            else "save the labels as 8-bit grey PNG, or give their colours as palette in the description"
        )
        return label_map_problem(begin, coloured=coloured, mend=FETCH if self.description is None else own)

    def read_map(self, picture: Image.Image) -> MapContent:
        """Counts the pixels of each class in a decoded label map; see `Dataset.read_map`."""
        problem = palette_problem(picture, self.palette) if self.labels.colours is None else None
        if problem:
            raise ValueError(problem)
        return MapContent(histogram=np.bincount(decode_labels(picture, self.labels).ravel(), minlength=256))

    def _missing(self, root: Path, split: str) -> list[Path]:
        paths = [root / path for part in self.splits[split] for path in part.paths]
        return [path for path in paths if not path.exists()]

    def _files(self, root: Path, split: str) -> SplitFiles:
        first = self.splits[split][0]
        return self._with_maps(split, self.list_split(root, split), root / (first.ids or first.images))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DepthDataset(Dataset):
    """A depth dataset on disk. Crops are a protocol's business, not the dataset's."""

    map_name: ClassVar[str | None] = "depth map"
    empty_map: ClassVar[str] = "holds a measurement"

    splits: Mapping[str, DepthList | DepthFolders]
    """List or folders of each split; the scored one is "val", whatever its authors call it."""

    encoding: DepthEncoding
    """Meaning of the values in depth maps."""

    depth_range: tuple[float, float]
    """Metres between which ground truth is scored, both ends excluded."""

    usual_median: tuple[float, float] | None = None
    """Metres between which the median of a split lies, if its maps are in the right unit."""

    evaluation_crop: str = "none"
    """Part of the image that is scored, where configs do not say it."""

    @property
    def protocol_fields(self) -> dict[str, Any]:
        """Returns what protocols of its kind take from it, where their configs do not say it."""
        fields: dict[str, Any] = {
            "data": {"trained_on": self.trained_on or self.name, "depth_range": list(self.depth_range)}
        }
        return {**fields, "test": {"evaluation_crop": self.evaluation_crop}}

    def list_split(self, root: Path, split: str) -> MapListing:
        """Lists images and depth maps of a split whose folders and lists are there."""
        source = self.splits[split]
        if isinstance(source, DepthFolders):
            return list_depth_folders(root, source)
        return read_depth_list(source.find(root) or root / source.lists[0], root, source.folders)

    def open(self, data_root: Path, split: str, *, limit: int | None = None) -> Split:
        """Opens a split for reading; see `Dataset.open`."""
        return DepthSplit(self, data_root, split, limit=limit)

    def map_problem(self, begin: bytes) -> str | None:
        """Says of the first bytes of a file why it is not a depth map; None if it is one."""
        own = "save the depths as 16-bit grey PNG"
        return depth_map_problem(begin, mend=FETCH if self.description is None else own)

    def read_map(self, picture: Image.Image) -> MapContent:
        """Measures the depths of a decoded depth map; see `Dataset.read_map`."""
        depth = DepthRange.of(self.encoding.decode(np.asarray(picture)))
        return MapContent(depth=depth, without_depth=depth is None)

    def unit_problem(self, depths: DepthRange) -> str | None:
        """Says why a split of these depths must be in another unit; see `Dataset.unit_problem`."""
        low, high = self.depth_range
        if self.usual_median is not None:
            return unit_problem(depths.median, self.usual_median)
        if depths.lowest < high and depths.highest > low:
            return None
        return (
            f"depths are {depths.lowest:.3g} to {depths.highest:.3g} m, and only those between {low:g} and {high:g} m "
            "are scored; mend per_metre or range"
        )

    def _is_listed(self, root: Path, split: str) -> bool:
        """Tells whether the list is there; what it names may be missing."""
        return self.splits[split].find(root) is not None

    def _missing(self, root: Path, split: str) -> list[Path]:
        return self.splits[split].missing(root)

    def _files(self, root: Path, split: str) -> SplitFiles:
        return self._with_maps(split, self.list_split(root, split), self.splits[split].find(root) or root)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ClassificationDataset(Dataset):
    """An image classification dataset on disk."""

    splits: Mapping[str, ClassFolders | ClassList]
    """Folder of class folders, or list, of each split."""

    extra_sets: Callable[[Path, OpenSplits, int | None], tuple[list[ExtraSet], list[str]]] | None = None
    """Finds test sets beside it, given the data root, a function that opens train and val, and a limit; returns them,
    and why others that are there cannot be scored."""

    def list_split(self, root: Path, split: str) -> ClassListing:
        """Lists images and classes of a split whose folder or list is there."""
        source = self.splits[split]
        return list_class_list(root, source) if isinstance(source, ClassList) else list_class_folders(root, source)

    def open_further(
        self, data_root: Path, train: Split, val: Split, limit: int | None
    ) -> tuple[list[ExtraSet], list[str]]:
        """Opens the test sets that lie beside it; see `Dataset.open_further`."""
        return ([], []) if self.extra_sets is None else self.extra_sets(data_root, lambda: (train, val), limit)

    def further_sets(self, data_root: Path) -> FurtherSets:
        """Lists test sets that lie beside it and are scored too, by the code that opens them."""
        if self.extra_sets is None:
            return FurtherSets()
        try:
            sets, reasons = self.extra_sets(
                data_root, lambda: (self.open(data_root, "train"), self.open(data_root, "val")), None
            )
        except DataError as error:
            return FurtherSets(problems=(str(error),))
        notes = [f"{one.name} labels {len(one.split):,} of the images" for one in sets if one.of_val is not None]
        files = tuple((one.split.root, _further_files(one)) for one in sets if one.of_val is None)
        return FurtherSets(files, (), (*notes, *reasons))

    def split_differences(self, splits: list[SplitFiles]) -> list[str]:
        """Names classes that train and val do not share."""
        classes = {split.name: {pair.category for pair in split.pairs} for split in splits}
        train, val = classes.get("train"), classes.get("val")
        return class_differences(train, val) if train and val else []

    def open(self, data_root: Path, split: str, *, limit: int | None = None) -> Split:
        """Opens a split for reading; see `Dataset.open`."""
        return ClassificationSplit(self, data_root, split, limit=limit)

    def _missing(self, root: Path, split: str) -> list[Path]:
        return self.splits[split].missing(root)

    def _files(self, root: Path, split: str) -> SplitFiles:
        found = self.list_split(root, split)
        pairs = tuple(
            Pair(root / image, None, found.classes[label])
            for image, label in zip(found.images, found.labels.tolist(), strict=True)
        )
        notes = (*(f"classes from {path}" for path in found.label_files[:1]), *found.notes)
        return SplitFiles(
            split,
            pairs,
            self.counts.get(split),
            self.splits[split].find(root) or root,
            split not in self.needed,
            found.problems,
            notes,
            found.label_files,
        )


def _further_files(one: ExtraSet) -> SplitFiles:
    classes = [one.split.classes[label] for label in one.split.labels.tolist()]
    pairs = tuple(Pair(file, None, category) for file, category in zip(one.split.files, classes, strict=True))
    official = one.split.dataset.counts["val"]
    return SplitFiles(one.name, pairs, official, one.split.root, optional=True, notes=one.split.notes)


KINDS: tuple[type[Dataset], ...] = (SegmentationDataset, DepthDataset, ClassificationDataset)
"""Kinds of datasets, in the order of lists and tables."""
