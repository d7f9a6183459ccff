"""Resizing and cropping of pictures as torchvision does it with Pillow: the transforms of classification.

Source: pytorch/vision, ``torchvision/transforms/{transforms,functional}.py``. Sides, offsets and the distribution of
the draws are the same; the draws come from numpy's global generator.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
"""Pillow's filters widen with the reduction: both are antialiased."""

_TRIES = 10

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge, pixels."""


def resize_short(image: Image.Image, short: int, filter_name: str) -> Image.Image:
    """Resizes so that the short side is ``short`` pixels; the long side is rounded down (``Resize``)."""
    width, height = image.size
    long = int(short * max(width, height) / min(width, height))
    size = (short, long) if width <= height else (long, short)
    return image.resize(size, FILTERS[filter_name])


def centre_crop(image: Image.Image, side: int) -> Image.Image:
    """Cuts a square of ``side`` pixels, no more than the short side, from the centre (``CenterCrop``).

    Odd margins are halved to the even neighbour, as Python rounds.
    """
    width, height = image.size
    left, upper = round((width - side) / 2), round((height - side) / 2)
    return image.crop((left, upper, left + side, upper + side))


def random_resized_crop(
    image: Image.Image, side: int, *, scale: tuple[float, float], ratio: tuple[float, float], filter_name: str
) -> Image.Image:
    """Cuts a random part and resizes it to ``side`` x ``side`` pixels (``RandomResizedCrop``); see `random_box`."""
    return image.crop(random_box(image.size, scale, ratio)).resize((side, side), FILTERS[filter_name])


def random_box(size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float]) -> Box:
    """Draws a part of an image.

    After ten draws that do not fit, the largest central part of a permitted ratio is taken.

    Args:
        size: Width and height of the image, pixels.
        scale: Share of the area, drawn evenly.
        ratio: Width over height, drawn evenly in the logarithm.
    """
    width, height = size
    for _ in range(_TRIES):
        area = width * height * np.random.uniform(*scale)
        aspect = math.exp(np.random.uniform(*np.log(ratio)))
        wide, high = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < high <= height:
            upper, left = np.random.randint(height - high + 1), np.random.randint(width - wide + 1)
            return left, upper, left + wide, upper + high
    return central_box(size, ratio)


def central_box(size: tuple[int, int], ratio: tuple[float, float]) -> Box:
    """Returns the largest central part of an image (width, height) of a permitted ratio of width to height."""
    width, height = wide, high = size
    if width / height < ratio[0]:
        high = round(width / ratio[0])
    elif width / height > ratio[1]:
        wide = round(height * ratio[1])
    left, upper = (width - wide) // 2, (height - high) // 2
    return left, upper, left + wide, upper + high


def random_flip(image: Image.Image, probability: float) -> Image.Image:
    """Mirrors left and right with the given probability (``RandomHorizontalFlip``)."""
    if np.random.rand() < probability:
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image
