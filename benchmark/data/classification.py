"""The splits of classification datasets: images of one class each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.data.folders import readable
from benchmark.data.images import read_image
from benchmark.data.list_classes import class_differences
from benchmark.data.per_class import spread
from benchmark.data.split import Split, find_root, refuse_problems
from benchmark.errors import DataError

if TYPE_CHECKING:
    from benchmark.data.dataset import ClassificationDataset


class LabelledImages(Split):
    """Images with one class each, in a fixed order.

    Args:
        dataset: The dataset.
        root: Its root.
        split: Name of the split.
        images: Paths relative to the root.
        labels: (N,) rank of each image's class.
        classes: Class names in label order.
        label_files: Files the labels were read from, where folders do not tell them.
    """

    def __init__(
        self,
        dataset: ClassificationDataset,
        root: Path,
        split: str,
        *,
        images: Sequence[str],
        labels: NDArray[np.integer],
        classes: tuple[str, ...],
        label_files: tuple[Path, ...] = (),
    ) -> None:
        super().__init__(dataset, root, split)
        self.labels = np.asarray(labels, np.int64)
        self.classes = classes
        self.label_files = label_files
        self._images = tuple(images)

    def __len__(self) -> int:
        return len(self._images)

    @property
    def names(self) -> list[str]:
        """Image paths relative to the dataset's root."""
        return list(self._images)

    @property
    def files(self) -> list[Path]:
        """The images, then the files the labels were read from."""
        return [*(self.root / image for image in self._images), *self.label_files]

    def take(self, indices: Sequence[int]) -> LabelledImages:
        """Returns some of the images, in the order of ``indices``."""
        return LabelledImages(
            self.dataset, self.root, self.name,
            images=[self._images[index] for index in indices],
            labels=self.labels[list(indices)],
            classes=self.classes,
            label_files=self.label_files,
        )  # fmt: skip

    def load(self, index: int) -> NDArray[np.uint8]:
        """Reads one image as (H, W, 3) BGR.

        Raises:
            DataError: A file that cannot be decoded.
        """
        return read_image(self.root / self._images[index])

    def describe(self, rows: Sequence[int]) -> dict[str, Any]:
        """Returns class names and the labels of some of the images."""
        return {"classes": list(self.classes), "labels": self.labels[list(rows)].tolist()}

    def refuse_other_classes(self, other: Split) -> None:
        """Raises DataError, which names them, if one split has classes the other lacks: ranks would not agree."""
        differences = class_differences(other.classes, self.classes) if isinstance(other, LabelledImages) else []
        if differences:
            raise DataError(
                f"{self.dataset.name}: {'; '.join(differences)}; both must hold the same classes, for a label is the "
                "rank of its class"
            )


class ClassificationSplit(LabelledImages):
    """The images of one split in the order of `ClassListing`: by class, then by name.

    Args:
        dataset: The dataset.
        data_root: Folder that holds all datasets.
        split: Name of one of its splits.
        limit: Keep so many images only, spread evenly over the classes (`spread`).

    Raises:
        DataError: An unknown split, no folder, or whatever `ClassListing` finds wrong.
    """

    def __init__(
        self, dataset: ClassificationDataset, data_root: Path, split: str, *, limit: int | None = None
    ) -> None:
        root = find_root(dataset, data_root, split)
        with readable():
            found = dataset.list_split(root, split)
        refuse_problems(dataset, found.problems)
        images, labels = found.images, found.labels
        if limit is not None:
            kept = spread(labels, limit)
            images, labels = [images[index] for index in kept], labels[kept]
        super().__init__(
            dataset, root, split,
            images=images, labels=labels, classes=found.classes, label_files=found.label_files,
        )  # fmt: skip
        self.notes = found.notes
