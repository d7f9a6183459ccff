"""Where a dataset's official layout keeps its files. Imports nothing heavy: ``densebench list`` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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

    mmseg_type: str
    """Class in mmsegmentation's ``DATASETS``, which knows suffixes, class names and the label shift."""

    num_classes: int
    """Classes that are scored."""

    splits: Mapping[str, tuple[Part, ...]]
    """Parts of each split."""

    counts: Mapping[str, int]
    """Images of each split of the official release."""

    usual_size: tuple[int, int]
    """(height, width) of a common image, pixels; estimates of cost count on it."""

    def root(self, data_root: Path) -> Path:
        """Returns the folder of this dataset under ``data_root``."""
        return data_root / self.folder

    def missing(self, data_root: Path, splits: tuple[str, ...] = ("train", "val")) -> list[Path]:
        """Lists the folders and lists of ``splits`` that are not there."""
        root = self.root(data_root)
        paths = [root / path for split in splits for part in self.splits[split] for path in part.paths]
        return [path for path in dict.fromkeys(paths) if not path.exists()]
