"""Where a split lies below its dataset's root: folders and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.folders import readable


@dataclass(frozen=True)
class LabelFolders:
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
class DepthList:
    """A text file that lists the images of a split with their depth maps."""

    lists: tuple[str, ...]
    """Names the file may have, relative to the dataset's root; the first that exists is read."""

    folders: tuple[tuple[str, str], ...] = (("", ""),)
    """(image folder, depth folder) its lines may be relative to; the first that holds the first image is taken."""

    @readable()
    def find(self, root: Path) -> Path | None:
        """Returns the list under the dataset's root, or None."""
        return next((root / name for name in self.lists if (root / name).is_file()), None)

    @readable()
    def missing(self, root: Path) -> list[Path]:
        """Lists the list and folders that are not there."""
        paths = [] if self.find(root) is not None else [root / self.lists[0]]
        if not any(all((root / folder).is_dir() for folder in pair) for pair in self.folders):
            paths += [root / folder for folder in self.folders[0] if not (root / folder).is_dir()]
        return paths


@dataclass(frozen=True)
class DepthFolders:
    """A folder of images with a folder of depth maps of the same stems."""

    images: str
    """Image folder, relative to the dataset's root."""

    depths: str
    """Folder of depth maps, relative to the dataset's root."""

    @readable()
    def find(self, root: Path) -> Path | None:
        """Returns the folder of images, or None."""
        return root / self.images if (root / self.images).is_dir() else None

    @readable()
    def missing(self, root: Path) -> list[Path]:
        """Lists the folders that are not there."""
        return [root / folder for folder in (self.images, self.depths) if not (root / folder).is_dir()]


@dataclass(frozen=True)
class FlatImages:
    """Images of all classes in one folder, and the files that tell their classes."""

    prefix: str
    """What names of such images begin with; a number of the image follows, which is its alone."""

    find: Callable[[Path], tuple[Path, ...]]
    """Returns the files that tell the classes, given the dataset's root; none if there are none."""

    read: Callable[[tuple[Path, ...]], Mapping[str, str]]
    """Returns the class of each image by its stem; raises DataError for a file that is not what its name says."""

    wanted: str
    """What a message asks a user to do where there are none; ``{root}`` stands for the dataset's root."""


@dataclass(frozen=True)
class ClassFolders:
    """A folder with a folder of images for each class."""

    folders: tuple[str, ...]
    """Names it may have, relative to the dataset's root; the first that exists is read."""

    flat: FlatImages | None = None
    """What the folder may hold instead."""

    @readable()
    def find(self, root: Path) -> Path | None:
        """Returns the folder, or None."""
        return next((root / folder for folder in self.folders if (root / folder).is_dir()), None)

    def missing(self, root: Path) -> list[Path]:
        """Lists the folder by its usual name if it is not there."""
        return [] if self.find(root) is not None else [root / self.folders[0]]


@dataclass(frozen=True)
class ClassList:
    """A CSV file that lists the images of a split with their classes."""

    path: str
    """Relative to the dataset's root, to which its paths are relative too."""

    @readable()
    def find(self, root: Path) -> Path | None:
        """Returns the file, or None."""
        return root / self.path if (root / self.path).is_file() else None

    def missing(self, root: Path) -> list[Path]:
        """Lists the file if it is not there."""
        return [] if self.find(root) is not None else [root / self.path]
