"""How often a benchmark runs the backbone."""

from __future__ import annotations

import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.load_protocol import load_protocol
from benchmark.tasks import Forwards


def _forwards(benchmark: str, name: str | None = None, *overrides: str) -> Forwards:
    return load_protocol(benchmark, name or BENCHMARKS[benchmark].default_protocol, overrides).forwards(14)


def test_ade20k_is_counted_as_written_out_by_hand() -> None:
    found = _forwards("ade20k")
    assert (found.train_size, found.val_size, found.train) == ((512, 512), (512, 512), 40_000 * 16)
    assert found.val == 2_000 * 2  # 512 x 683 is covered by two windows of 512
    assert found.total == found.train + found.val


def test_cityscapes_slides_over_a_large_image() -> None:
    assert _forwards("cityscapes").val == 500 * 3 * 6  # (1024 - 512) / 341 and (2048 - 512) / 341, rounded up, plus one


@pytest.mark.parametrize(
    ("name", "train_size", "val_size", "images"),
    [
        ("nyu", (416, 544), (480, 640), 654),
        ("kitti", (352, 704), (352, 1216), 652),
        ("sunrgbd", (416, 544), (530, 730), 5_050),
    ],
)
def test_depth_is_trained_on_crops_and_tested_on_images_and_their_mirror_images(
    name: str, train_size: tuple[int, int], val_size: tuple[int, int], images: int
) -> None:
    found = _forwards(name)
    assert (found.train_size, found.val_size) == (train_size, val_size)
    assert (found.train, found.val) == (38_400 * 16, 2 * images)


def test_without_flip_averaging_an_image_is_seen_once() -> None:
    assert _forwards("nyu", None, "test.flip=none").val == 654


def test_stored_features_are_encoded_once_per_image_or_view() -> None:
    assert _forwards("ade20k", "cached").train == 2 * 20_210
    assert _forwards("imagenet-linear", "cached").train == 1_281_167
    assert _forwards("sunrgbd", "cached").train == 2 * 24_231


def test_imagenet_is_seen_once_but_for_online_training() -> None:
    knn, online = _forwards("imagenet-knn"), _forwards("imagenet-linear")
    assert (knn.train, knn.val) == (1_281_167, 50_000)
    held_out = round(0.02 * 1_281_167)  # seen once to choose; other images replace them in 12,500 batches of 1,024
    assert (online.train, online.train_size) == (12_500 * 1024 + 12_500 * 1024 // 50 + held_out, (224, 224))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_an_estimate(name: str) -> None:
    assert _forwards(name).total > 0
