"""Where a dataset's official layout keeps its files. Imports nothing heavy: ``densebench list`` reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmark.data.folders import readable

Colours = Literal["grey", "voc", "any"]
"""Of the palettes of label maps: each index its own grey value, VOC's colours or those, or any, which tell nothing."""


@dataclass(frozen=True)
class Part:
    """A folder of images with a folder of label maps."""

    images: str
    """Image folder, relative to the dataset's root."""

    labels: str
    """Label folder, relative to the dataset's root."""

    ids: str | None = None
    """List of file stems, one per line, relative to the root; None takes every image of the folder."""

    @property
    def paths(self) -> tuple[str, ...]:
        """What must exist on disk, relative to the root."""
        return (self.images, self.labels, *([self.ids] if self.ids else []))


@dataclass(frozen=True)
class SegmentationLayout:
    """A semantic segmentation dataset on disk."""

    name: str
    """Name on the command line."""

    folder: str
    """Root of the official layout, relative to the data root."""

    image_suffix: str
    """What names of images end with, after the part that they share with their label map's."""

    label_suffix: str
    """The same for label maps."""

    num_classes: int
    """Classes that are scored."""

    splits: Mapping[str, tuple[Part, ...]]
    """Parts of each split."""

    counts: Mapping[str, int]
    """Images of each split of the official release."""

    usual_size: tuple[int, int]
    """(height, width) of a common image, pixels; estimates of cost count on it."""

    beside_labels: tuple[str, ...] = ()
    """What names of other official files among the label maps end with."""

    zero_is_other: bool = False
    """Whether the label 0 is no class: it is ignored, and the others move down by one."""

    colours: Colours = "grey"
    """What the palettes of label maps hold, where they have any."""

    scene: Callable[[str], str] | None = None
    """From an image's path, relative to the root, to where it was filmed; None where images are not of a film. A sweep
    chooses on whole scenes: a frame's neighbours show the same."""

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder

    @readable()
    def missing(self, data_root: Path, splits: tuple[str, ...] = ("train", "val")) -> list[Path]:
        """Lists the folders and lists of ``splits`` that are not there."""
        root = self.root(data_root)
        paths = [root / path for split in splits for part in self.splits[split] for path in part.paths]
        return [path for path in dict.fromkeys(paths) if not path.exists()]


@dataclass(frozen=True)
class PairList:
    """A text file that lists the images of a split with their depth maps."""

    lists: tuple[str, ...]
    """Names the file may have, relative to the dataset's root; the first that exists is read."""

    folders: tuple[tuple[str, str], ...] = (("", ""),)
    """(image folder, depth folder) its lines may be relative to; the first that holds the first image is taken."""

    @readable()
    def find(self, root: Path) -> Path | None:
        """Returns the list under the dataset's root, or None."""
        return next((root / name for name in self.lists if (root / name).is_file()), None)


@dataclass(frozen=True)
class DepthEncoding:
    """How a 16-bit value of a depth map becomes metres; 0 means no measurement."""

    per_metre: float
    """Units per metre."""

    rotated_bits: int = 0
    """The 16 bits are rotated right by this many places first, which undoes a rotation to the left."""

    cap: float | None = None
    """Metres; greater depths become this."""


@dataclass(frozen=True)
class DepthLayout:
    """A depth dataset on disk. Crops are a protocol's business, not the dataset's."""

    name: str
    """Name on the command line."""

    folder: str
    """Root of the official layout, relative to the data root."""

    splits: Mapping[str, PairList]
    """List of each split; the scored one is "val", whatever its authors call it."""

    counts: Mapping[str, int]
    """Images with ground truth of each split of the official release."""

    encoding: DepthEncoding
    """Meaning of the values in depth maps."""

    depth_range: tuple[float, float]
    """Metres between which ground truth is scored, both ends excluded."""

    usual_median: tuple[float, float]
    """Metres between which the median of a split lies, if its maps are in the right unit."""

    usual_size: tuple[int, int]
    """(height, width) of a common image, pixels; estimates of cost count on it."""

    scene: Callable[[str], str] | None = None
    """From an image's path, relative to the root, to where it was filmed; None where images are not of a film. A sweep
    chooses on whole scenes: a frame's neighbours show the same."""

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder

    @readable()
    def missing(self, data_root: Path, splits: tuple[str, ...] | None = None) -> list[Path]:
        """Lists the lists and folders of ``splits`` (all of them by default) that are not there."""
        root = self.root(data_root)
        paths = []
        for split in splits or tuple(self.splits):
            part = self.splits[split]
            if part.find(root) is None:
                paths.append(root / part.lists[0])
            if not any(all((root / folder).is_dir() for folder in pair) for pair in part.folders):
                paths += [root / folder for folder in part.folders[0] if not (root / folder).is_dir()]
        return list(dict.fromkeys(paths))


@dataclass(frozen=True)
class ClassificationLayout:
    """An image classification dataset on disk: a folder of images for each class, named by it."""

    name: str
    """Name on the command line."""

    folder: str
    """Root of the official layout, relative to the data root."""

    splits: Mapping[str, tuple[str, ...]]
    """Folders a split may lie in, relative to the root; the first that exists is read."""

    counts: Mapping[str, int]
    """Images of each split of the official release."""

    usual_size: tuple[int, int]
    """(height, width) of a common image, pixels; estimates of cost count on it."""

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder

    @readable()
    def find(self, root: Path, split: str) -> str | None:
        """Returns the folder of a split, relative to the dataset's root, or None."""
        return next((folder for folder in self.splits[split] if (root / folder).is_dir()), None)

    @readable()
    def missing(self, data_root: Path, splits: tuple[str, ...] | None = None) -> list[Path]:
        """Lists the folders of ``splits`` (all of them by default) that are not there, by their usual names."""
        root = self.root(data_root)
        return [root / self.splits[split][0] for split in splits or self.splits if self.find(root, split) is None]


Layout = SegmentationLayout | DepthLayout | ClassificationLayout
