"""What the splits of all tasks share: images in a fixed order, found and checked; dense tasks add one map to each."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from benchmark.data.decoding import refuse_unfit
from benchmark.data.folders import readable, under_another_suffix
from benchmark.data.manifest import fingerprint_splits
from benchmark.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from benchmark.data.dataset import Dataset


class Split(ABC):
    """The images of one split in a fixed order.

    Args:
        dataset: The dataset.
        root: Its root.
        split: Name of one of its splits.
    """

    def __init__(self, dataset: Dataset, root: Path, split: str) -> None:
        self.dataset = dataset
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

    def describe(self, rows: Sequence[int]) -> dict[str, Any]:
        """Returns what a description of some of the images says of their classes; nothing where maps say it."""
        return {}

    def refuse_unfit_maps(self) -> None:  # noqa: B027  (images of one class have no maps)
        """Raises DataError for a map that cannot hold what its dataset's maps do, before anything is trained."""

    def refuse_other_classes(self, other: Split) -> None:  # noqa: B027  (maps name their classes themselves)
        """Raises DataError where another split of the dataset has other classes than this one."""


class MapSplit(Split):
    """The images of one split and the maps that belong to them, in a fixed order.

    Args:
        dataset: The dataset.
        data_root: Folder that holds all datasets.
        split: Name of one of its splits.
        limit: Keep the first so many images only.

    Raises:
        DataError: An unknown split, a folder, list, image or map that is missing, an image that is listed twice or
            whatever else is wrong with a list or folder, or an empty split.
    """

    map_key: ClassVar[str]
    """Key of the map's path in an mmsegmentation ``results`` dict; the image's is ``img_path``."""

    def __init__(self, dataset: Dataset, data_root: Path, split: str, *, limit: int | None = None) -> None:
        super().__init__(dataset, find_root(dataset, data_root, split), split)
        with readable():
            found = dataset.list_split(self.root, split)
        refuse_problems(dataset, found.problems)
        self.notes = found.notes
        self._infos = [self._info(str(image), str(map_)) for image, map_ in found.pairs[:limit]]
        if not self._infos:
            raise DataError(f"{dataset.name}: no images of split {split!r} under {self.root}")
        for path in self.files:
            with readable():
                there = path.is_file()
            if not there:
                raise DataError(
                    f"{dataset.name}: {path} is missing{under_another_suffix(path)}; {split!r} needs an image and its "
                    f"{dataset.map_name}"
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
        scene = self.dataset.scene
        return None if scene is None else [scene(name) for name in self.names]

    @abstractmethod
    def load(self, index: int) -> dict[str, Any]:
        """Reads one image (BGR) and its map into an mmsegmentation ``results`` dict."""

    @abstractmethod
    def load_map(self, index: int) -> NDArray[Any]:
        """Reads the map of one image alone, (H, W): class ids or metres."""

    def describe(self, rows: Sequence[int]) -> dict[str, Any]:
        """Returns what a description of some of the images says of their classes; nothing where maps say it."""
        return {}

    def refuse_unfit_maps(self) -> None:
        """Looks at the first bytes of every map, so that hours of training do not end at one that holds no labels.

        Raises:
            DataError: A map whose content, whatever its name, is of a kind that cannot hold labels or depths.
        """
        for info in self._infos:
            refuse_unfit(info[self.map_key], self.dataset.map_problem)

    def _info(self, image: str, map_path: str) -> dict[str, Any]:
        """Returns what a ``results`` dict of an image begins with."""
        return {"img_path": image, self.map_key: map_path}


def refuse_problems(dataset: Dataset, problems: Sequence[str]) -> None:
    """Raises DataError with the first of the problems of a listing, and how many more there are."""
    if problems:
        more = f" (and {len(problems) - 1:,} more problems)" if problems[1:] else ""
        raise DataError(f"{dataset.name}: {problems[0]}{more}")


def find_root(dataset: Dataset, data_root: Path, split: str) -> Path:
    """Returns a dataset's root, in which the folders and lists of a split were found.

    Raises:
        DataError: An unknown split, or a folder or list that is missing.
    """
    if split not in dataset.splits:
        near = did_you_mean(split, dataset.splits)
        raise DataError(f"{dataset.name} has no split {split!r}{near}; splits: {', '.join(dataset.splits)}")
    missing = dataset.missing(data_root, (split,))
    if missing:
        place = f"--data-root must hold {dataset.folder}/ in its official layout"
        raise DataError(f"{dataset.name}: no {missing[0]}; {dataset.advice if dataset.description else place}")
    return dataset.root(data_root)


def data_fingerprint(splits: Sequence[Split]) -> str:
    """Hashes names and contents of all files of ``splits``: 16 hexadecimal digits.

    The splits of one dataset have the value that ``densebench check --data`` prints; splits of several datasets, as of
    a zero-shot benchmark, have a hash of each dataset's.
    """
    members: dict[str, list[Split]] = {}
    for split in splits:
        members.setdefault(split.dataset.name, []).append(split)
    prints = {
        name: own[0].dataset.fingerprint(fingerprint_splits({split.name: split.files for split in own}, own[0].root))
        for name, own in members.items()
    }
    if len(prints) == 1:
        return next(iter(prints.values()))
    return hashlib.sha256("\n".join(f"{name} {value}" for name, value in prints.items()).encode()).hexdigest()[:16]


def refuse_overlap(train: Split, val: Split) -> None:
    """Raises DataError if an image stands in both splits of a dataset."""
    if train.dataset.name != val.dataset.name:
        return
    shared = sorted(set(train.names) & set(val.names))
    if shared:
        raise DataError(
            f"{train.dataset.name}: {len(shared)} images are in both {train.name!r} and {val.name!r}: {shared[0]}"
        )
