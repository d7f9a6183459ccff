"""Counts against a written-out loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.metrics import confusion_matrix


def test_counts_equal_a_written_out_loop() -> None:
    generator = np.random.default_rng(0)
    target, prediction = generator.integers(0, 5, (2, 20, 30))
    target[generator.random(target.shape) < 0.2] = 255
    expected = np.zeros((5, 5), dtype=np.int64)
    for t, p in zip(target.ravel(), prediction.ravel(), strict=True):
        if t != 255:
            expected[t, p] += 1
    counts = confusion_matrix(target, prediction, num_classes=5)
    assert isinstance(counts, np.ndarray)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, expected)


def test_tensors_give_a_tensor_of_int64() -> None:
    counts = confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), num_classes=2)
    assert counts.dtype == torch.int64
    assert counts.tolist() == [[1, 0], [1, 1]]


def test_uint8_labels_do_not_overflow() -> None:
    target = torch.full((10,), 149, dtype=torch.uint8)
    assert confusion_matrix(target, target, num_classes=150)[149, 149] == 10


def test_counts_are_exact_above_two_to_the_24() -> None:  # trap 28: float32 counts lose units there
    target = torch.zeros(2**24 + 1, dtype=torch.uint8)
    assert confusion_matrix(target, target, num_classes=1).item() == 2**24 + 1


def test_predictions_under_ignored_labels_do_not_count() -> None:
    target, prediction = torch.tensor([255, 0]), torch.tensor([200, 0])
    assert confusion_matrix(target, prediction, num_classes=1).tolist() == [[1]]


def test_images_add_up_to_the_dataset() -> None:
    target, prediction = torch.randint(0, 4, (2, 6, 50))
    parts = sum(confusion_matrix(t, p, num_classes=4) for t, p in zip(target, prediction, strict=True))
    assert torch.equal(parts, confusion_matrix(target, prediction, num_classes=4))


def test_flipped_views_of_arrays_are_counted() -> None:
    target = np.arange(4).reshape(2, 2)
    expected = confusion_matrix(target, target[:, ::-1].copy(), num_classes=4)
    np.testing.assert_array_equal(confusion_matrix(target, target[:, ::-1], num_classes=4), expected)


@pytest.mark.parametrize(
    ("target", "prediction", "match"),
    [
        ([0, 5], [0, 0], r"target classes must lie in \[0, 5\), found 0 to 5"),
        ([0, -1], [0, 0], "target classes"),
        ([0, 1], [0, 255], "prediction classes"),
        ([0, 1], [[0, 1]], "differ in shape"),
        ([0.5, 1.0], [0, 1], "must be integers"),
    ],
)
def test_bad_input_is_refused(target: list, prediction: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        confusion_matrix(torch.tensor(target), torch.tensor(prediction), num_classes=5)
