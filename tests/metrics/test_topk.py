"""Top-k and mean class accuracy against scikit-learn, and ranks in the cases it leaves open."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score

from benchmark.metrics import accuracy_from_hits, mean_class_accuracy, ranks, top_k


@pytest.fixture
def scores() -> torch.Tensor:
    return torch.randn(200, 7, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def target() -> torch.Tensor:
    return torch.randint(0, 6, (200,), generator=torch.Generator().manual_seed(1))  # the last class does not occur


def test_top_k_equals_scikit_learn(scores: torch.Tensor, target: torch.Tensor) -> None:
    shares = top_k(scores, target, k=(1, 3, 5))
    assert list(shares) == [1, 3, 5]
    for k, share in shares.items():
        expected = top_k_accuracy_score(target.numpy(), scores.numpy(), k=k, labels=np.arange(7))
        assert share == pytest.approx(expected, abs=1e-12)


def test_k_of_all_classes_and_more_holds_every_image(scores: torch.Tensor, target: torch.Tensor) -> None:
    assert top_k(scores, target, k=(7, 100)) == {7: 1.0, 100: 1.0}


def test_mean_class_accuracy_equals_scikit_learn(scores: torch.Tensor, target: torch.Tensor) -> None:
    prediction = scores.argmax(1)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = balanced_accuracy_score(target.numpy(), prediction.numpy())
    assert mean_class_accuracy(prediction == target, target, num_classes=7) == pytest.approx(expected, abs=1e-12)


def test_ranks_equal_a_stable_sort_where_scores_tie() -> None:
    generator = torch.Generator().manual_seed(2)
    scores = torch.randint(0, 3, (300, 6), generator=generator)
    target = torch.randint(0, 6, (300,), generator=generator)
    expected = [
        sorted(range(6), key=lambda index: -row[index]).index(true)
        for row, true in zip(scores.tolist(), target.tolist(), strict=True)
    ]
    assert ranks(scores, target).tolist() == expected
    assert torch.equal(ranks(scores, target) == 0, scores.argmax(1) == target)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_ranks_take_any_number_format(dtype: torch.dtype) -> None:
    scores = torch.tensor([[1, 2, 3], [3, 1, 2]], dtype=dtype)
    assert ranks(scores, torch.tensor([0, 0])).tolist() == [2, 0]


def test_ranks_of_many_probes_are_those_of_each(scores: torch.Tensor, target: torch.Tensor) -> None:
    probes = torch.stack((scores, -scores))
    assert torch.equal(ranks(probes, target), torch.stack((ranks(scores, target), ranks(-scores, target))))


def test_a_diverged_head_hits_nothing() -> None:
    scores = torch.tensor([[math.nan] * 3, [math.nan, 0.5, 0.1]])
    assert ranks(scores, torch.tensor([0, 1])).tolist() == [3, 0]
    assert top_k(scores, torch.tensor([0, 1]), k=(1, 5)) == {1: 0.5, 5: 1.0}
    assert top_k(scores, torch.tensor([0, 1]), k=(1, 3)) == {1: 0.5, 3: 0.5}


def test_arrays_give_arrays(scores: torch.Tensor, target: torch.Tensor) -> None:
    places = ranks(scores.numpy(), target.numpy())
    assert isinstance(places, np.ndarray)
    assert places.dtype == np.int64
    assert np.array_equal(places, ranks(scores, target).numpy())


def test_no_images_have_no_accuracy() -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    assert math.isnan(top_k(torch.zeros(0, 3), nothing)[1])
    assert math.isnan(accuracy_from_hits(np.zeros(0, dtype=bool)))
    assert math.isnan(mean_class_accuracy(nothing == 0, nothing, num_classes=3))


@pytest.mark.parametrize(
    ("scores", "target", "k", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 3]), (1,), r"target must lie in \[0, 3\), found 0 to 3"),
        (torch.zeros(2, 3), torch.tensor([-1, 0]), (1,), r"found -1 to 0"),
        (torch.zeros(2, 3), torch.tensor([0.0, 1.0]), (1,), "must be integers"),
        (torch.zeros(2, 3), torch.tensor([0]), (1,), r"target \(N,\)"),
        (torch.zeros(3), torch.tensor([0]), (1,), r"scores must be \(N, C\)"),
        (torch.zeros(2, 3), torch.tensor([0, 1]), (0,), "k must be positive"),
    ],
    ids=["beyond", "negative", "float", "shape", "axes", "k"],
)
def test_top_k_refuses(scores: torch.Tensor, target: torch.Tensor, k: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        top_k(scores, target, k=k)


def test_mean_class_accuracy_refuses_labels_that_are_no_class() -> None:
    with pytest.raises(ValueError, match=r"\[0, 2\)"):
        mean_class_accuracy(torch.tensor([True, True]), torch.tensor([0, 2]), num_classes=2)
    with pytest.raises(ValueError, match=r"must be \(N,\)"):
        mean_class_accuracy(torch.tensor([True]), torch.tensor([0, 1]), num_classes=2)
