"""Training pictures, augmented with Pillow. Randomness comes from numpy's global generator, as in the probes' samples.

Sources: facebookresearch/deit ``augment.py``; facebookresearch/dinov2 ``data/{augmentations,transforms,collate}.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor

from benchmark.backbones.spec import Preprocessing
from benchmark.data.classification import LabelledImages
from benchmark.pretraining.recipe import Colours, Crops, DinoRecipe, ThreeAugment
from benchmark.samples.crops import random_flip, random_resized_crop, resize_short
from benchmark.samples.images import normalised

_RATIO = (3 / 4, 4 / 3)
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


class Views(NamedTuple):
    """What the student and the teacher see of one image, or of a batch along a second dimension."""

    large: Tensor
    """(2, 3, S, S) global crops."""

    small: Tensor
    """(L, 3, s, s) local crops."""

    masks: Tensor
    """(2, N) bool, whether a patch of a global crop is hidden from the student."""


def supervised_sample(split: LabelledImages, augment: ThreeAugment) -> Callable[[int], tuple[Tensor, int]]:
    """Returns a function from an index to an augmented picture (3, S, S), normalised, and its label."""

    def sample(index: int) -> tuple[Tensor, int]:
        image = _picture(split, index)
        if augment.scale is None:
            image = _padded_crop(resize_short(image, augment.size, "bicubic"), augment.size)
        else:
            image = random_resized_crop(image, augment.size, scale=augment.scale, ratio=_RATIO, filter_name="bicubic")
        image = random_flip(image, augment.flip)
        if np.random.rand() < augment.one_of_three:
            image = one_of_three(image)
        return _tensor(jittered(image, (augment.jitter,) * 3)), int(split.labels[index])

    return sample


def dino_sample(split: LabelledImages, recipe: DinoRecipe) -> Callable[[int], Views]:
    """Returns a function from an index to its crops and masks."""
    large, small, masks = recipe.global_crops, recipe.local_crops, recipe.masks
    side = large.size // recipe.model.patch_size

    def sample(index: int) -> Views:
        image = _picture(split, index)

        def crop(kind: Crops, blur: float, solarise: float) -> Tensor:
            cut = random_resized_crop(image, kind.size, scale=kind.scale, ratio=_RATIO, filter_name="bicubic")
            return _tensor(_coloured(random_flip(cut, 0.5), recipe.colours, blur, solarise))

        globals_ = [crop(large, *shares) for shares in zip(large.blur, large.solarise, strict=True)]
        locals_ = [crop(small, small.blur, 0.0) for _ in range(small.count)]
        empty = torch.empty(0, 3, small.size, small.size)
        hidden = [_draw_mask(side, masks.probability, masks.ratio) for _ in globals_]
        return Views(torch.stack(globals_), torch.stack(locals_) if locals_ else empty, torch.stack(hidden))

    return sample


def one_of_three(image: Image.Image) -> Image.Image:
    """Makes a picture grey, solarises its bright half, or blurs it."""
    choice = np.random.randint(3)
    return (_grey, ImageOps.solarize, _blurred)[choice](image)


def jittered(image: Image.Image, strengths: tuple[float, float, float], hue: float = 0.0) -> Image.Image:
    """Changes brightness, contrast and saturation by factors within 1 ± strength, and the hue, in random order."""
    factors = [np.random.uniform(max(0.0, 1 - strength), 1 + strength) for strength in strengths]
    turn = np.random.uniform(-hue, hue)
    for which in np.random.permutation(4):
        if which < 3 and strengths[which]:
            image = _ENHANCERS[which](image).enhance(factors[which])
        elif which == 3 and hue:
            h, s, v = image.convert("HSV").split()
            turned = Image.fromarray(np.asarray(h) + np.uint8(int(turn * 255) % 256))
            image = Image.merge("HSV", (turned, s, v)).convert("RGB")
    return image


def gaussian_blur(image: Image.Image, sigma: float, taps: int = 9) -> Image.Image:
    """Convolves with a Gaussian cut to ``taps`` x ``taps`` pixels; what lies beyond the edge is mirrored.

    Source: pytorch/vision ``transforms/_functional_tensor.py``, ``gaussian_blur``.
    """
    pixels = np.asarray(image).astype(np.float32)
    blurred = cv2.GaussianBlur(pixels, (taps, taps), sigma, borderType=cv2.BORDER_REFLECT_101)
    return Image.fromarray(np.rint(blurred).astype(np.uint8))


def block_mask(side: int, count: int) -> NDArray[np.bool_]:
    """Hides up to ``count`` patches of a grid (side, side) in rectangles, of four patches or more while four are left.

    Source: facebookresearch/dinov2 ``data/masking.py``, lines 49-86, after BEiT (arXiv 2106.08254).
    """
    mask = np.zeros((side, side), bool)
    tries = 0
    while mask.sum() < count and tries < 10:
        tries += 1
        left = count - int(mask.sum())
        area, aspect = 4 + (left - 4) * np.random.rand(), math.exp(np.random.uniform(-1, 1) * math.log(1 / 0.3))
        high, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if not (0 < high < side and 0 < wide < side):
            continue
        top, start = np.random.randint(side - high + 1), np.random.randint(side - wide + 1)
        block = mask[top : top + high, start : start + wide]
        if 0 < block.size - block.sum() <= left:
            block[:] = True
            tries = 0
    return mask


def _draw_mask(side: int, probability: float, ratio: tuple[float, float]) -> Tensor:
    share = np.random.uniform(*ratio) if np.random.rand() < probability else 0.0
    return torch.from_numpy(block_mask(side, int(share * side * side))).flatten()


def _coloured(image: Image.Image, colours: Colours, blur: float, solarise: float) -> Image.Image:
    if np.random.rand() < colours.jitter:
        image = jittered(image, (colours.brightness, colours.contrast, colours.saturation), hue=colours.hue)
    for change, share in ((_grey, colours.grey), (_smoothed, blur), (ImageOps.solarize, solarise)):
        image = change(image) if np.random.rand() < share else image
    return image


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _blurred(image: Image.Image) -> Image.Image:
    """Blurs as DeiT-III: by Pillow, with the whole Gaussian."""
    return image.filter(ImageFilter.GaussianBlur(np.random.uniform(0.1, 2.0)))


def _smoothed(image: Image.Image) -> Image.Image:
    """Blurs as DINOv2: by torchvision, with nine taps of the Gaussian and mirrored edges."""
    return gaussian_blur(image, np.random.uniform(0.1, 2.0))


def _padded_crop(image: Image.Image, side: int, margin: int = 4) -> Image.Image:
    """Cuts a random square out of a picture with ``margin`` mirrored pixels around it."""
    wide = np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    top, left = (np.random.randint(length - side + 1) for length in wide.shape[:2])
    return Image.fromarray(wide[top : top + side, left : left + side])


def _picture(split: LabelledImages, index: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(split.load(index)[..., ::-1]))


def _tensor(image: Image.Image) -> Tensor:
    return normalised(np.array(image)[..., ::-1], Preprocessing())
