"""Classification samples: images and their classes, through torchvision's transforms to normalised tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark.backbones.spec import Preprocessing
from benchmark.data.class_folders import class_differences, list_classes
from benchmark.data.crops import centre_crop, random_flip, random_resized_crop, resize_short
from benchmark.data.folders import readable
from benchmark.data.images import normalised, read_image
from benchmark.data.layout import ClassificationLayout
from benchmark.data.per_class import spread
from benchmark.data.split import Split, find_root, refuse_problems
from benchmark.errors import DataError
from benchmark.protocols import ImageView, LinearTrain


@dataclass(frozen=True)
class ClassificationSample:
    """One image with its class."""

    image: Tensor
    """(3, H, W) float32 RGB, normalised."""

    label: int
    """Rank of its class."""


class LabelledImages(Split):
    """Images with one class each, in a fixed order.

    Args:
        layout: The dataset.
        root: Its root.
        split: Name of the split.
        images: Paths relative to the root.
        labels: (N,) rank of each image's class.
        classes: Class names in label order.
        label_files: Files the labels were read from, where folders do not tell them.
    """

    def __init__(
        self,
        layout: ClassificationLayout,
        root: Path,
        split: str,
        *,
        images: Sequence[str],
        labels: NDArray[np.integer],
        classes: tuple[str, ...],
        label_files: tuple[Path, ...] = (),
    ) -> None:
        super().__init__(layout, root, split)
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
            self.layout, self.root, self.name,
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


class ClassificationSplit(LabelledImages):
    """The images of one split in the order of `list_classes`: by class, then by name.

    Args:
        layout: The dataset.
        data_root: Folder that holds all datasets.
        split: Name of one of its splits.
        limit: Keep so many images only, spread evenly over the classes (`spread`).

    Raises:
        DataError: An unknown split, no folder, or whatever `list_classes` finds wrong.
    """

    def __init__(self, layout: ClassificationLayout, data_root: Path, split: str, *, limit: int | None = None) -> None:
        root = find_root(layout, data_root, split)
        with readable():
            found = list_classes(root, layout.find(root, split))
        refuse_problems(layout, found.problems)
        images, labels = found.images, found.labels
        if limit is not None:
            kept = spread(labels, limit)
            images, labels = [images[index] for index in kept], labels[kept]
        super().__init__(
            layout, root, split,
            images=images, labels=labels, classes=found.classes, label_files=found.label_files,
        )  # fmt: skip
        self.notes = found.notes


def refuse_other_classes(train: LabelledImages, val: LabelledImages) -> None:
    """Raises DataError, which names them, if one split has classes the other lacks: ranks would not agree."""
    differences = class_differences(train.classes, val.classes)
    if differences:
        raise DataError(
            f"{val.layout.name}: {'; '.join(differences)}; both must hold the same classes, for a label is the rank of "
            "its class"
        )


def view_sample(
    split: LabelledImages, view: ImageView, preprocessing: Preprocessing
) -> Callable[[int], ClassificationSample]:
    """Returns a function from an index to the one view that is scored: resized, and its centre cut out."""

    def sample(index: int) -> ClassificationSample:
        image = centre_crop(resize_short(_picture(split, index), view.resize, view.filter), view.crop)
        return _sample(image, split, index, preprocessing)

    return sample


def train_sample(
    split: LabelledImages, settings: LinearTrain, preprocessing: Preprocessing
) -> Callable[[int], ClassificationSample]:
    """Returns a function from an index to an augmented sample of ``settings.crop`` squared.

    Randomness is drawn from numpy's global generator, as in the other tasks.
    """

    def sample(index: int) -> ClassificationSample:
        image = random_resized_crop(
            _picture(split, index),
            settings.crop,
            scale=settings.scale,
            ratio=settings.ratio,
            filter_name=settings.filter,
        )
        return _sample(random_flip(image, settings.flip), split, index, preprocessing)

    return sample


def _picture(split: LabelledImages, index: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(split.load(index)[..., ::-1]))


def _sample(
    image: Image.Image, split: LabelledImages, index: int, preprocessing: Preprocessing
) -> ClassificationSample:
    return ClassificationSample(normalised(np.array(image)[..., ::-1], preprocessing), int(split.labels[index]))
