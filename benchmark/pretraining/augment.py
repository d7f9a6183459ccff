"""Training pictures, augmented with Pillow. Randomness comes from numpy's global generator, as in the probes' samples.

Sources: facebookresearch/deit ``augment.py``; facebookresearch/dinov2 ``data/{augmentations,transforms,masking}.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor

from benchmark.backbones.spec import Preprocessing
from benchmark.data.classification import LabelledImages
from benchmark.data.crops import random_flip, random_resized_crop, resize_short
from benchmark.data.images import normalised
from benchmark.pretraining.recipe import DinoRecipe, ThreeAugment

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

        def crop(size: int, scale: tuple[float, float], blur: float, solarise: float) -> Tensor:
            cut = random_resized_crop(image, size, scale=scale, ratio=_RATIO, filter_name="bicubic")
            return _tensor(_coloured(random_flip(cut, 0.5), blur, solarise))

        globals_ = [crop(large.size, large.scale, *chances) for chances in ((1.0, 0.0), (0.1, 0.2))]
        locals_ = [crop(small.size, small.scale, 0.5, 0.0) for _ in range(small.count)]
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
            turned = Image.fromarray(np.asarray(h) + np.uint8(round(turn * 255) % 256))
            image = Image.merge("HSV", (turned, s, v)).convert("RGB")
    return image


def block_mask(side: int, count: int) -> NDArray[np.bool_]:
    """Hides up to ``count`` patches of a grid (side, side) in rectangles of at least four (BEiT, arXiv 2106.08254)."""
    mask = np.zeros((side, side), bool)
    tries = 0
    while mask.sum() < count and tries < 10:
        tries += 1
        left = count - int(mask.sum())
        area, aspect = np.random.uniform(min(4, left), left), math.exp(np.random.uniform(-1, 1) * math.log(1 / 0.3))
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
    return torch.from_numpy(block_mask(side, round(share * side * side))).flatten()


def _coloured(image: Image.Image, blur: float, solarise: float) -> Image.Image:
    if np.random.rand() < 0.8:
        image = jittered(image, (0.4, 0.4, 0.2), hue=0.1)
    for change, chance in ((_grey, 0.2), (_blurred, blur), (ImageOps.solarize, solarise)):
        image = change(image) if np.random.rand() < chance else image
    return image


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(np.random.uniform(0.1, 2.0)))


def _padded_crop(image: Image.Image, side: int, margin: int = 4) -> Image.Image:
    """Cuts a random square out of a picture with ``margin`` mirrored pixels around it."""
    wide = np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    top, left = (np.random.randint(length - side + 1) for length in wide.shape[:2])
    return Image.fromarray(wide[top : top + side, left : left + side])


def _picture(split: LabelledImages, index: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(split.load(index)[..., ::-1]))


def _tensor(image: Image.Image) -> Tensor:
    return normalised(np.array(image)[..., ::-1], Preprocessing())
