"""Augmentation: what it does to pixels, and that it is a function of the random state alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch.nn import functional as F

from benchmark.backbones import build_vit
from benchmark.backbones.spec import Preprocessing
from benchmark.data.classification import ClassificationSplit
from benchmark.data.datasets.imagenet import DATASET
from benchmark.distributed import World
from benchmark.pretraining import augment
from benchmark.pretraining.augment import (
    block_mask,
    dino_sample,
    gaussian_blur,
    jittered,
    one_of_three,
    supervised_sample,
)
from benchmark.pretraining.losses import multi_label_bce
from benchmark.pretraining.recipe import Mixing, ThreeAugment, load_recipe
from benchmark.pretraining.supervised import SupervisedLearner, mix
from benchmark.samples.images import normalised
from benchmark.samples.loader import numpy_seeded


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


def test_hue_turns_by_a_share_of_the_circle_and_leaves_the_rest() -> None:
    red = Image.new("RGB", (2, 2), (200, 0, 0))
    for seed in range(5):
        with numpy_seeded(seed):
            turned = jittered(red, (0.0, 0.0, 0.0), hue=0.5)
        with numpy_seeded(seed):
            turn = [*np.random.uniform(1, 1, 3), np.random.uniform(-0.5, 0.5)][-1]
        hue, saturation, value = turned.convert("HSV").getpixel((0, 0))
        assert abs((hue / 255 - turn + 0.5) % 1 - 0.5) < 0.01
        assert (saturation, value) == (255, 200)


def _whole(**changes: Any) -> ThreeAugment:
    """Settings that change nothing about a square picture of 20 pixels but what is asked for."""
    fields = {"size": 20, "scale": (1.0, 1.0), "one_of_three": 0.0, "jitter": 0.0, "flip": 0.0}
    return ThreeAugment(**{**fields, **changes})


@pytest.fixture
def square(picture: Image.Image) -> SimpleNamespace:
    """A split of one picture of 20 x 20 pixels, of class 7."""
    pixels = np.asarray(picture)[:, :20]
    return SimpleNamespace(pixels=pixels, load=lambda _index: pixels[..., ::-1], labels=[7])


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    return normalised(pixels[..., ::-1], Preprocessing())


def test_settings_of_0_leave_a_picture_as_it_is_and_each_other_one_acts(square: SimpleNamespace) -> None:
    def made(**changes: Any) -> list[torch.Tensor]:
        samples = []
        for seed in range(8):
            with numpy_seeded(seed):
                samples.append(supervised_sample(square, _whole(**changes))(0)[0])
        return samples

    plain = _tensor(square.pixels)
    assert all(torch.equal(each, plain) for each in made())
    assert all(torch.equal(each, _tensor(square.pixels[:, ::-1])) for each in made(flip=1.0))
    for changes in ({"one_of_three": 1.0}, {"jitter": 0.3}):
        assert not any(torch.equal(each, plain) for each in made(**changes))
    # The simple crop shifts by up to four pixels and mirrors what is missing: no grey comes in.
    shifted = made(scale=None)
    assert not all(torch.equal(each, plain) for each in shifted)
    assert all(each.min() >= plain.min() and each.max() <= plain.max() for each in shifted)
    grey = SimpleNamespace(load=lambda _index: np.full((20, 20, 3), 90, np.uint8), labels=[0])
    assert float(supervised_sample(grey, _whole(scale=None))(0)[0].std((1, 2)).max()) < 1e-6


def test_the_hue_is_cut_to_a_grey_level_as_torchvisions(picture: Image.Image) -> None:
    # transforms/_functional_pil.py, adjust_hue: the turn becomes a uint8, so that -0.037 * 255 = -9.4 is -9.
    for seed in range(10):
        with numpy_seeded(seed):
            turned = jittered(picture, (0.0, 0.0, 0.0), hue=0.1)
        with numpy_seeded(seed):
            turn = [*np.random.uniform(1, 1, 3), np.random.uniform(-0.1, 0.1)][-1]
        hue, *others = picture.convert("HSV").split()
        turned_hue = Image.fromarray(((np.asarray(hue).astype(int) + math.trunc(turn * 255)) % 256).astype(np.uint8))
        assert turned == Image.merge("HSV", (turned_hue, *others)).convert("RGB")


@pytest.mark.parametrize("sigma", [0.1, 0.6, 1.3, 2.0])
def test_dinov2s_blur_has_nine_taps_and_mirrored_edges(picture: Image.Image, sigma: float) -> None:
    # torchvision transforms/_functional_tensor.py, gaussian_blur: a product of two kernels on reflected pixels.
    taps = torch.exp(-0.5 * (torch.arange(-4.0, 5.0) / sigma) ** 2)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float()
    padded = F.pad(pixels, (4, 4, 4, 4), mode="reflect")
    expected = F.conv2d(padded[:, None], kernel[None, None])[:, 0].round().byte()
    assert torch.equal(torch.from_numpy(np.asarray(gaussian_blur(picture, sigma)).copy()).permute(2, 0, 1), expected)


def test_so_many_crops_are_blurred_as_dinov2_really_blurs(
    square: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # data/augmentations.py asks for 1.0, 0.1 and 0.5, and data/transforms.py, line 19, hands 1 - p to RandomApply.
    done: list[str] = []

    def noted(what: str) -> Callable[..., Any]:
        return lambda image, *_: done.append(what) or image

    monkeypatch.setattr(augment, "gaussian_blur", noted("blurred"))
    monkeypatch.setattr(augment.ImageOps, "solarize", noted("solarised"))
    monkeypatch.setattr(augment, "_tensor", lambda _image: done.append("end") or torch.zeros(3, 1, 1))
    sample, counts = dino_sample(square, load_recipe("dino", ["local_crops.count=1"])), Counter()
    for seed in range(400):
        done.clear()
        with numpy_seeded(seed):
            sample(0)
        for crop, part in zip(("first", "second", "local"), " ".join(done).split("end"), strict=False):
            counts.update((crop, what) for what in part.split())
    shares = {key: count / 400 for key, count in counts.items()}
    assert shares == pytest.approx(
        {("second", "blurred"): 0.9, ("second", "solarised"): 0.2, ("local", "blurred"): 0.5}, abs=0.08
    )


def test_crops_are_cut_and_coloured_as_dinov2s(square: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            done.append((*arguments[1:], *(options[name] for name in ("scale", "hue") if name in options)))
            return function(*arguments, **options)

        return call

    for name in ("random_resized_crop", "random_flip", "jittered"):
        monkeypatch.setattr(augment, name, noted(getattr(augment, name)))
    recipe = load_recipe("dino", ["local_crops.count=2", "colours.jitter=1"])
    dino_sample(square, recipe)(0)
    whole, part, jitter = recipe.global_crops.scale, recipe.local_crops.scale, ((0.4, 0.4, 0.2), 0.1)
    assert done == [*[(224, whole), (0.5,), jitter] * 2, *[(98, part), (0.5,), jitter] * 2]
    done.clear()
    recipe = load_recipe("dino", ["local_crops.count=0"])
    monkeypatch.setattr(np.random, "rand", lambda: 0.79)
    dino_sample(square, recipe)(0)
    assert jitter in done
    done.clear()
    monkeypatch.setattr(np.random, "rand", lambda: 0.81)
    dino_sample(square, recipe)(0)
    assert jitter not in done


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (1.0, 10, 12)])
def test_so_many_crops_have_so_many_hidden_patches(
    probability: float, least: int, most: int, square: SimpleNamespace
) -> None:
    words = [f"masks.probability={probability}", "masks.ratio=[0.35,0.35]", "local_crops.count=0"]
    sample = dino_sample(square, load_recipe("mini-dino", words))  # 36 patches, of which 0.35 are 12.6: 12 in DINOv2
    for seed in range(5):
        with numpy_seeded(seed):
            hidden = sample(0).masks.sum(1)
        assert least <= int(hidden.min())
        assert int(hidden.max()) <= most


@pytest.mark.parametrize("scale", [None, [0.4, 1.0]])
def test_a_sample_is_a_function_of_the_random_state(scale: list[float] | None, folders: Path) -> None:
    split = ClassificationSplit(DATASET, folders, "train")
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
    split = ClassificationSplit(DATASET, folders, "train")
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


def test_the_last_patches_are_hidden_as_often_as_by_dinov2() -> None:
    # data/masking.py, line 52, draws the area between 4 and what is left, though that be less: 1 of 1 patch in 0.73.
    with numpy_seeded(0):
        hidden = [int(block_mask(16, 1).sum()) for _ in range(2000)]
    assert np.mean(hidden) == pytest.approx(0.727, abs=0.03)


def _mixing(mixup: float, cutmix: float, draws: int = 1) -> Mixing:
    return Mixing(mixup=mixup, cutmix=cutmix, draws=draws)


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0.0), (0.0, 1.0)])
def test_mixing_gives_classes_the_shares_of_the_pixels(mixup: float, cutmix: float) -> None:
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 16, 16)
    for seed in range(5):
        draws = [np.random.default_rng([seed, draw]) for draw in range(3)]
        mixed, shares = mix(images, torch.eye(4), _mixing(mixup, cutmix), draws)
        torch.testing.assert_close(shares.sum(1), torch.ones(4))
        torch.testing.assert_close(mixed.mean((1, 2, 3)), shares @ torch.arange(4.0))  # a quarter's value is its class
        assert (shares > 0).sum(1).max() <= 2
    assert images.shape == (4, 3, 16, 16)
    assert (images[2] == 2).all()


def test_mixup_and_cutmix_share_the_draws() -> None:
    images, kinds = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 16, 16), set()
    for seed in range(20):
        mixed, shares = mix(images, torch.eye(4), _mixing(0.8, 1.0), [np.random.default_rng(seed)])
        if shares.max() < 1:
            kinds.add("mixup" if (mixed == mixed[:, :, :1, :1]).all() else "cutmix")
    assert kinds == {"mixup", "cutmix"}


def test_cutmix_cuts_the_share_that_was_drawn() -> None:
    middle = SimpleNamespace(beta=lambda *_: 0.75, integers=lambda count: 0 if count == 1 else count // 2)
    images = torch.arange(2.0).view(2, 1, 1, 1).expand(2, 3, 16, 16)
    mixed, shares = mix(images, torch.eye(2), _mixing(0, 1), [middle])
    assert (mixed[0, 0, 4:12, 4:12] == 1).all()
    assert float(mixed[0, 0].sum()) == 64
    torch.testing.assert_close(shares, torch.tensor([[0.75, 0.25], [0.25, 0.75]]))


def test_images_take_the_draws_in_turn() -> None:
    images, classes = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, 2, 2), torch.eye(8)
    draws = [SimpleNamespace(beta=lambda *_, kept=kept: kept, integers=lambda _count: 0) for kept in (0.9, 0.6)]
    _, shares = mix(images, classes, _mixing(0.8, 0.0), draws)
    torch.testing.assert_close(shares.diagonal(), torch.tensor([0.9, 0.6] * 4))
    torch.testing.assert_close(shares.roll(4, 0).diagonal(), torch.tensor([0.1, 0.4] * 4))


@pytest.mark.parametrize("processes", [2, 3, 4, 6])
def test_an_image_is_mixed_alike_however_many_processes_share_the_batch(processes: int) -> None:
    vit, mixing = build_vit("tiny", image_size=14), _mixing(0.8, 1.0, draws=4)
    images, classes = torch.rand(24, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.eye(24)

    def mixed(world: World) -> tuple[torch.Tensor, torch.Tensor]:
        draws = SupervisedLearner(vit, 24, mixing, 5, world)._draws(7)
        return mix(world.share(images), world.share(classes), mixing, draws)

    whole = mixed(World())
    assert len({float(share) for share in whole[1].max(1).values}) == 4
    for rank in range(processes):
        world = World(rank, processes)
        for ours, part in zip(mixed(world), whole, strict=True):
            torch.testing.assert_close(ours, world.share(part))


def test_the_classifier_reads_the_normalised_cls_token() -> None:
    learner = SupervisedLearner(build_vit("tiny", image_size=28), 3, _mixing(0, 0), 0, World()).eval()
    images, labels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0)), torch.tensor([2, 0])
    [tokens] = learner.vit.tokens(images)
    expected = multi_label_bce(tokens.cls @ learner.head.weight.T, torch.eye(3)[labels])
    torch.testing.assert_close(learner((images, labels), 0)["loss"], expected)


def test_the_classifier_is_float32_whatever_the_precision() -> None:
    learner = SupervisedLearner(build_vit("tiny", image_size=28), 3, _mixing(0, 0), 0, World()).eval()
    torch.nn.init.normal_(learner.head.weight, std=2.0)
    images, labels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0)), torch.tensor([2, 0])
    with torch.autocast("cpu", torch.bfloat16):
        loss, cls = learner((images, labels), 0)["loss"], learner.vit(images)
    expected = multi_label_bce(cls.float() @ learner.head.weight.T, torch.eye(3)[labels])
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)


def test_without_mixing_a_batch_stays_as_it_is() -> None:
    images, shares = torch.randn(2, 3, 4, 4), torch.eye(2)
    assert mix(images, shares, _mixing(0, 0), [np.random.default_rng(0)]) == (images, shares)
