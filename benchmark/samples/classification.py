"""Classification samples: images and their classes, through torchvision's transforms to normalised tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from benchmark.backbones.spec import Preprocessing
from benchmark.data.classification import LabelledImages
from benchmark.protocols.classification import ImageView, LinearTrain
from benchmark.samples.crops import centre_crop, random_flip, random_resized_crop, resize_short
from benchmark.samples.images import normalised


@dataclass(frozen=True)
class ClassificationSample:
    """One image with its class."""

    image: Tensor
    """(3, H, W) float32 RGB, normalised."""

    label: int
    """Rank of its class."""


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
