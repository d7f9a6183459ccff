"""What the splits of all tasks share: images in a fixed order, found and checked; dense tasks add one map to each."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from benchmark.data.decoding import refuse_unfit
from benchmark.data.folders import readable, under_another_suffix
from benchmark.data.layout import Layout
from benchmark.data.manifest import fingerprint_splits
from benchmark.data.map_listing import MapListing
from benchmark.errors import DataError, did_you_mean


class Split(ABC):
    """The images of one split in a fixed order.

    Args:
        layout: The dataset.
        root: Its root.
        split: Name of one of its splits.
    """

    def __init__(self, layout: Layout, root: Path, split: str) -> None:
        self.layout = layout
        self.root = root
        self.name = split
        self.notes: tuple[str, ...] = ()
        """What lists and folders hold that was passed over."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Image paths relative to the dataset's root."""

    @property
    @abstractmethod
    def files(self) -> list[Path]:
        """Every file that can influence a result, in order."""

    @property
    def scenes(self) -> list[str] | None:
        """Where each image was filmed, in order; None where images have nothing to do with each other."""
        return None

    @abstractmethod
    def load(self, index: int) -> Any:
        """Reads one image and what a dense task has beside it."""


class MapSplit(Split):
    """The images of one split and the maps that belong to them, in a fixed order.

    Args:
        layout: The dataset.
        data_root: Folder that holds all datasets.
        split: Name of one of its splits.
        limit: Keep the first so many images only.

    Raises:
        DataError: An unknown split, a folder, list, image or map that is missing, an image that is listed twice or
            whatever else is wrong with a list or folder, or an empty split.
    """

    map_key: ClassVar[str]
    """Key of the map's path in an mmsegmentation ``results`` dict; the image's is ``img_path``."""

    map_name: ClassVar[str]
    """What messages call the map."""

    map_problem: ClassVar[Callable[[bytes], str | None]]
    """Says of the first bytes of a file why it is no such map."""

    def __init__(self, layout: Layout, data_root: Path, split: str, *, limit: int | None = None) -> None:
        super().__init__(layout, find_root(layout, data_root, split), split)
        with readable():
            found = self._list()
        refuse_problems(layout, found.problems)
        self.notes = found.notes
        self._infos = [self._info(str(image), str(map_)) for image, map_ in found.pairs[:limit]]
        if not self._infos:
            raise DataError(f"{layout.name}: no images of split {split!r} under {self.root}")
        for path in self.files:
            with readable():
                there = path.is_file()
            if not there:
                raise DataError(
                    f"{layout.name}: {path} is missing{under_another_suffix(path)}; {split!r} needs an image and its "
                    f"{self.map_name}"
                )

    def __len__(self) -> int:
        return len(self._infos)

    @property
    def names(self) -> list[str]:
        """Image paths relative to the dataset's root."""
        return [Path(info["img_path"]).relative_to(self.root).as_posix() for info in self._infos]

    @property
    def files(self) -> list[Path]:
        """Image and map of each sample, in order."""
        return [Path(info[key]) for info in self._infos for key in ("img_path", self.map_key)]

    @property
    def scenes(self) -> list[str] | None:
        """Where each image was filmed, in order; None where images have nothing to do with each other."""
        scene = self.layout.scene
        return None if scene is None else [scene(name) for name in self.names]

    @abstractmethod
    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its map into an mmsegmentation ``results`` dict."""

    @abstractmethod
    def load_map(self, index: int) -> NDArray[Any]:
        """Reads the map of one image alone, (H, W): class ids or metres."""

    def refuse_unfit_maps(self) -> None:
        """Looks at the first bytes of every map, so that hours of training do not end at one that holds no labels.

        Raises:
            DataError: A map whose content, whatever its name, is of a kind that cannot hold labels or depths.
        """
        for info in self._infos:
            refuse_unfit(info[self.map_key], self.map_problem)

    @abstractmethod
    def _list(self) -> MapListing:
        """Lists images and maps."""

    def _info(self, image: str, map_path: str) -> dict[str, Any]:
        """Returns what a ``results`` dict of an image begins with."""
        return {"img_path": image, self.map_key: map_path}


def refuse_problems(layout: Layout, problems: Sequence[str]) -> None:
    """Raises DataError with the first of the problems of a listing, and how many more there are."""
    if problems:
        more = f" (and {len(problems) - 1:,} more problems)" if problems[1:] else ""
        raise DataError(f"{layout.name}: {problems[0]}{more}")


def find_root(layout: Layout, data_root: Path, split: str) -> Path:
    """Returns a dataset's root, in which the folders and lists of a split were found.

    Raises:
        DataError: An unknown split, or a folder or list that is missing.
    """
    if split not in layout.splits:
        near = did_you_mean(split, layout.splits)
        raise DataError(f"{layout.name} has no split {split!r}{near}; splits: {', '.join(layout.splits)}")
    missing = layout.missing(data_root, (split,))
    if missing:
        raise DataError(
            f"{layout.name}: no {missing[0]}; --data-root must hold {layout.folder}/ in its official layout"
        )
    return layout.root(data_root)


def data_fingerprint(splits: Sequence[Split]) -> str:
    """Hashes names and contents of all files of ``splits``: 16 hexadecimal digits.

    The splits of one dataset have the value that ``densebench check --data`` prints; splits of several datasets, as of
    a zero-shot benchmark, have a hash of each dataset's.
    """
    members: dict[str, list[Split]] = {}
    for split in splits:
        members.setdefault(split.layout.name, []).append(split)
    prints = {
        name: fingerprint_splits({split.name: split.files for split in own}, own[0].root)
        for name, own in members.items()
    }
    if len(prints) == 1:
        return next(iter(prints.values()))
    return hashlib.sha256("\n".join(f"{name} {value}" for name, value in prints.items()).encode()).hexdigest()[:16]


def refuse_overlap(train: Split, val: Split) -> None:
    """Raises DataError if an image stands in both splits of a dataset."""
    if train.layout.name != val.layout.name:
        return
    shared = sorted(set(train.names) & set(val.names))
    if shared:
        raise DataError(
            f"{train.layout.name}: {len(shared)} images are in both {train.name!r} and {val.name!r}: {shared[0]}"
        )
