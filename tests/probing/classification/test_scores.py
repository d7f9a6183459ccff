"""Predictions and ranks to the scores of a record."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmark.data.extra_set import ExtraSet
from benchmark.load_protocol import load_protocol
from benchmark.probing.classification.few_shot import training_draws
from benchmark.probing.classification.knn import _numbers, _ranked_votes
from benchmark.probing.classification.scores import Ranked, metrics, per_image, score_extras
from benchmark.probing.classification.stored_features import LabelledFeatures


def _images(names: str, labels: list[int]) -> LabelledFeatures:
    """Images called by a letter each."""
    features = SimpleNamespace(skipped=())
    return LabelledFeatures(features, torch.arange(len(names)), torch.tensor(labels), tuple(names), 9, 0, 64)


def _ranked(prediction: list[int], rank: list[int] | None = None) -> Ranked:
    return Ranked(np.array(prediction), np.array(rank or prediction))


def test_the_fifth_place_is_among_the_first_five() -> None:
    images, tries = _images("abc", [0, 0, 1]), [_ranked([0, 3, 4], [0, 4, 5])]
    found = metrics(tries, images)
    assert found["top1"] == pytest.approx(100 / 3)
    assert found["top5"] == pytest.approx(200 / 3)
    assert found["mean_class_accuracy"] == pytest.approx(25)
    assert per_image(tries, images)["hit5"].tolist() == [True, True, False]


def test_any_of_an_images_labels_is_right_and_unlabelled_or_unread_images_do_not_count() -> None:
    val = _images("abcd", [0, 1, 2, 3])
    split = SimpleNamespace(names=["d", "b", "unread"])
    real = ExtraSet("real", split, targets=((5, 3), (7, 8), (0,)), of_val=(3, 1, 4))
    found = score_extras([(real, val)], [_ranked([0, 7, 2, 3]), _ranked([0, 0, 0, 5])], rank=None)
    assert found == {"real": {"top1": 75.0, "images_scored": 2}}


def test_another_set_is_ranked_and_matched_by_name() -> None:
    sketch = ExtraSet("sketch", SimpleNamespace(names=["x", "y", "z"]), targets=((1,), (2,), (3,)))
    left = _images("xz", [1, 3])  # y could not be read
    found = score_extras([(sketch, left)], [], rank=lambda images: [_ranked([1, 3])] if images is left else [])
    assert found == {"sketch": {"top1": 100.0, "images_scored": 2}}


def test_every_try_draws_other_images() -> None:
    images = _images("abcdefghijklmnopqrst", [0] * 10 + [1] * 10)
    settings = load_protocol("imagenet-knn", "mini", ["data.n_per_class=3", "data.tries=3"]).settings
    tries = training_draws(images, settings.data)
    assert len({one.names for one in tries}) == 3
    assert _numbers(settings, tries) == [1, 3]  # no more neighbours than a class has images


def test_a_class_without_a_neighbour_is_among_no_first_five() -> None:
    prediction, rank = _ranked_votes(torch.tensor([[0.0, 0.6, 0.4, 0.0]] * 2), torch.tensor([0, 2]))
    assert prediction.tolist() == [1, 1]
    assert rank.tolist() == [4, 1]
