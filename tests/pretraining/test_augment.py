"""Augmentation: what it does to pixels, and that it is a function of the random state alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from benchmark.data.classification import ClassificationSplit
from benchmark.data.imagenet import LAYOUT
from benchmark.pretraining.augment import block_mask, dino_sample, jittered, one_of_three, supervised_sample
from benchmark.pretraining.recipe import Mixing, load_recipe
from benchmark.pretraining.supervised import mix
from benchmark.probing.loader import numpy_seeded


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8))


def test_three_augment_is_grey_solarised_or_blurred(picture: Image.Image) -> None:
    pixels, kinds = np.asarray(picture), set()
    for seed in range(20):
        with numpy_seeded(seed):
            made = np.asarray(one_of_three(picture))
        if (made == made[..., :1]).all():
            kinds.add("grey")
        elif (made == np.asarray(ImageOps.solarize(picture))).all():
            kinds.add("solarised")
        elif made.std() < pixels.std():
            kinds.add("blurred")
    assert kinds == {"grey", "solarised", "blurred"}


def test_jitter_of_strength_0_changes_nothing_and_one_strength_one_property(picture: Image.Image) -> None:
    assert jittered(picture, (0.0, 0.0, 0.0)) == picture
    with numpy_seeded(1):
        bright = jittered(picture, (0.4, 0.0, 0.0))
    with numpy_seeded(1):
        factor = np.random.uniform(0.6, 1.4)
    assert bright == ImageEnhance.Brightness(picture).enhance(factor)


@pytest.mark.parametrize("scale", [None, [0.4, 1.0]])
def test_a_sample_is_a_function_of_the_random_state(scale: list[float] | None, folders: Path) -> None:
    split = ClassificationSplit(LAYOUT, folders, "train")
    settings = load_recipe("supervised").augment.model_copy(update={"size": 28, "scale": scale})
    sample = supervised_sample(split, settings)
    made = []
    for seed in (1, 1, 2):
        with numpy_seeded(seed):
            made.append(sample(3))
    assert made[0][0].shape == (3, 28, 28)
    assert made[0][1] == split.labels[3]
    assert torch.equal(made[0][0], made[1][0])
    assert not torch.equal(made[0][0], made[2][0])


def test_views_are_two_global_crops_with_masks_and_some_local_ones(folders: Path) -> None:
    split = ClassificationSplit(LAYOUT, folders, "train")
    with numpy_seeded(0):
        views = dino_sample(split, load_recipe("mini-dino"))(0)
    assert (views.large.shape, views.small.shape) == ((2, 3, 84, 84), (2, 3, 42, 42))
    assert (views.masks.shape, views.masks.dtype) == ((2, 36), torch.bool)


def test_masks_hide_no_more_than_asked_and_mostly_that() -> None:
    with numpy_seeded(0):
        hidden = [int(block_mask(16, 100).sum()) for _ in range(50)]
    assert max(hidden) <= 100
    assert np.mean(hidden) > 90
    assert not block_mask(16, 0).any()


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0.0), (0.0, 1.0)])
def test_mixing_gives_classes_the_shares_of_the_pixels(mixup: float, cutmix: float) -> None:
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 16, 16)
    for seed in range(5):
        mixed, shares = mix(images, torch.eye(4), Mixing(mixup=mixup, cutmix=cutmix), np.random.default_rng(seed))
        torch.testing.assert_close(shares.sum(1), torch.ones(4))
        torch.testing.assert_close(mixed.mean((1, 2, 3)), shares @ torch.arange(4.0))  # a quarter's value is its class
        assert (shares > 0).sum(1).max() <= 2


def test_without_mixing_a_batch_stays_as_it_is() -> None:
    images, shares = torch.randn(2, 3, 4, 4), torch.eye(2)
    assert mix(images, shares, Mixing(mixup=0, cutmix=0), np.random.default_rng(0)) == (images, shares)
