"""How often a benchmark runs the backbone."""

from __future__ import annotations

import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.probing import estimate
from benchmark.probing.estimate import plan


def test_ade20k_is_counted_as_written_out_by_hand() -> None:
    found = plan("ade20k", 14)
    assert (found.train_size, found.val_size, found.train) == ((512, 512), (512, 512), 40_000 * 16)
    assert found.val == 2_000 * 2  # 512 x 683 is covered by two windows of 512
    assert found.forwards == found.train + found.val


def test_cityscapes_slides_over_a_large_image() -> None:
    assert plan("cityscapes", 14).val == 500 * 3 * 6  # (1024 - 512) / 341 and (2048 - 512) / 341, rounded up, plus one


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
    found = plan(name, 14)
    assert (found.train_size, found.val_size) == (train_size, val_size)
    assert (found.train, found.val) == (38_400 * 16, 2 * images)


def test_without_flip_averaging_an_image_is_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    load = estimate.load_protocol
    monkeypatch.setattr(estimate, "load_protocol", lambda benchmark, name: load(benchmark, name, ["test.flip=none"]))
    assert plan("nyu", 14).val == 654


def test_stored_features_are_encoded_once_per_image_or_view(monkeypatch: pytest.MonkeyPatch) -> None:
    load = estimate.load_protocol
    monkeypatch.setattr(estimate, "load_protocol", lambda benchmark, _name: load(benchmark, "cached"))
    assert (plan("ade20k", 14).train, plan("imagenet-linear", 14).train) == (2 * 20_210, 1_281_167)
    assert plan("sunrgbd", 14).train == 2 * 24_231


def test_imagenet_is_seen_once_but_for_online_training() -> None:
    assert (plan("imagenet-knn", 14).train, plan("imagenet-knn", 14).val) == (1_281_167, 50_000)
    held_out = round(0.02 * 1_281_167)  # seen once to choose; other images replace them in 12,500 batches of 1,024
    online = plan("imagenet-linear", 14)
    assert (online.train, online.train_size) == (12_500 * 1024 + 12_500 * 1024 // 50 + held_out, (224, 224))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_a_plan(name: str) -> None:
    assert plan(name, 14).forwards > 0
