"""kNN against scikit-learn's brute-force search and a written-out vote."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from heads import KNNClassifier

ROWS, WIDTH, CLASSES = 300, 24, 5
TINY = 1 << 12
"""Memory of a few rows at a time."""


@pytest.fixture
def features() -> Tensor:
    return torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def labels() -> Tensor:
    return torch.randint(0, CLASSES, (ROWS,), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def queries() -> Tensor:
    return torch.randn(70, WIDTH, generator=torch.Generator().manual_seed(2))


def _exact_rows(count: int, seed: int) -> Tensor:
    """Rows of four entries 1 or -1, whose similarities are exact multiples of 1/4 with many ties."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (count, 12), generator=generator) * 2.0 - 1
    chosen = torch.rand(count, 12, generator=generator).topk(4, dim=1).indices
    return torch.zeros(count, 12).scatter_(1, chosen, 1.0) * signs


def _cosines(queries: Tensor, features: Tensor) -> Tensor:
    unit_queries, unit_features = (torch.nn.functional.normalize(rows.double()) for rows in (queries, features))
    return unit_queries @ unit_features.T


@pytest.mark.parametrize("memory", [1 << 30, TINY], ids=["one chunk", "many chunks"])
def test_neighbours_equal_scikit_learn(features: Tensor, labels: Tensor, queries: Tensor, memory: int) -> None:
    knn = KNNClassifier(k=(1, 20), memory=memory).fit(features, labels)
    similarities, indices = knn.neighbours(queries)
    reference = NearestNeighbors(n_neighbors=20, algorithm="brute", metric="cosine").fit(features.double().numpy())
    distances, expected = reference.kneighbors(queries.double().numpy())
    assert np.array_equal(indices.numpy(), expected)
    assert similarities.dtype == torch.float32
    np.testing.assert_allclose(similarities.numpy(), 1 - distances, atol=1e-6)


def test_votes_equal_a_written_out_loop(features: Tensor, labels: Tensor, queries: Tensor) -> None:
    numbers, temperature = (1, 3, 10), 0.07
    knn = KNNClassifier(k=numbers, temperature=temperature, memory=TINY).fit(features, labels)
    votes = list(knn.votes(queries))
    predictions = knn.predict(queries)
    assert list(predictions) == list(numbers)
    assert len(votes) > 1
    for k in numbers:
        scores = torch.cat([part[k] for part in votes])
        for query, cosines in enumerate(_cosines(queries, features).tolist()):
            nearest = sorted(range(ROWS), key=lambda row: -cosines[row])[: max(numbers)]
            total = sum(math.exp(cosines[row] / temperature) for row in nearest)
            expected = [0.0] * CLASSES
            for row in nearest[:k]:
                expected[int(labels[row])] += math.exp(cosines[row] / temperature) / total
            assert scores[query].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-7)
            assert int(predictions[k][query]) == expected.index(max(expected))


@pytest.mark.parametrize("rows", [ROWS, 7], ids=["ties", "copies of few rows"])
@pytest.mark.parametrize("k", [30, 250], ids=["among the similar", "among the opposite"])
def test_of_equal_similarities_the_lower_row_comes_first_whatever_the_chunks(rows: int, k: int) -> None:
    features = _exact_rows(rows, 0).repeat(math.ceil(ROWS / rows), 1)[:ROWS]
    queries = _exact_rows(40, 1)
    expected = _cosines(queries, features).sort(descending=True, stable=True)
    for memory in (1 << 10, TINY, 1 << 15, 1 << 30):
        knn = KNNClassifier(k=(5, k), memory=memory).fit(features, torch.arange(ROWS))
        similarities, indices = knn.neighbours(queries)
        assert torch.equal(indices, expected.indices[:, :k])
        assert torch.equal(similarities.double(), expected.values[:, :k])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_are_compared_in_float32(
    features: Tensor, labels: Tensor, queries: Tensor, dtype: torch.dtype
) -> None:
    halves, half_queries = features.to(dtype), queries.to(dtype)
    similarities, indices = KNNClassifier(k=(10,), memory=TINY).fit(halves, labels).neighbours(half_queries)
    expected = KNNClassifier(k=(10,)).fit(halves.float(), labels).neighbours(half_queries.float())
    assert torch.equal(indices, expected[1])
    torch.testing.assert_close(similarities, expected[0])


def test_shards_and_memory_mapped_files_change_nothing(
    features: Tensor, labels: Tensor, queries: Tensor, tmp_path: Path
) -> None:
    features.numpy().tofile(tmp_path / "features")
    mapped = torch.from_file(str(tmp_path / "features"), size=features.numel()).view(ROWS, WIDTH)
    expected = KNNClassifier(k=(7,), memory=TINY).fit(features, labels).neighbours(queries)
    for train in (mapped, mapped.split(11), [features[:1], features[1:1], features[1:]]):
        found = KNNClassifier(k=(7,), memory=TINY).fit(train, labels).neighbours(queries.split(9))
        assert torch.equal(found[0], expected[0])
        assert torch.equal(found[1], expected[1])


def test_neither_features_nor_queries_are_changed(features: Tensor, labels: Tensor, queries: Tensor) -> None:
    before = features.clone(), queries.clone()
    KNNClassifier(k=(7,)).fit(features, labels).predict(queries)
    assert torch.equal(features, before[0])
    assert torch.equal(queries, before[1])


def test_as_many_neighbours_as_training_rows(queries: Tensor, features: Tensor) -> None:
    labels = torch.tensor([0, 1, 1, 2])
    predictions = KNNClassifier(k=(4, 1), temperature=1e6).fit(features[:4], labels).predict(queries)
    assert list(predictions) == [1, 4]
    assert predictions[4].tolist() == [1] * len(queries)  # every weight is nearly 1/4
    assert predictions[4].dtype == torch.int64


def test_classes_without_a_training_row_are_scored_0(features: Tensor, labels: Tensor, queries: Tensor) -> None:
    [votes] = KNNClassifier(k=(7,)).fit(features, labels, num_classes=9).votes(queries)
    assert votes[7].shape == (len(queries), 9)
    assert not votes[7][:, CLASSES:].any()


def test_more_neighbours_than_training_rows_are_refused(features: Tensor, labels: Tensor) -> None:
    with pytest.raises(ValueError, match="k = 301 neighbours cannot be found among 300 training rows"):
        KNNClassifier(k=(1, 301)).fit(features, labels)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_row_without_direction_is_named(features: Tensor, labels: Tensor, queries: Tensor, value: float) -> None:
    broken = features.clone()
    broken[217] = value
    with pytest.raises(ValueError, match="training features: row 217 has length"):
        KNNClassifier(k=(3,), memory=TINY).fit(broken.split(50), labels)
    queries[41] = value
    with pytest.raises(ValueError, match="queries: row 41 has length"):
        KNNClassifier(k=(3,), memory=TINY).fit(features, labels).predict(queries)


def test_wrong_input_is_refused(features: Tensor, labels: Tensor, queries: Tensor) -> None:
    fitted = KNNClassifier(k=(3,)).fit(features, labels)
    for call, message in (
        (lambda: KNNClassifier(k=()), "k must be positive integers"),
        (lambda: KNNClassifier(k=(0,)), "k must be positive integers"),
        (lambda: KNNClassifier(temperature=0), "temperature must be positive"),
        (lambda: KNNClassifier(k=(3,)).fit(features, labels[1:]), r"labels must be integers \(300,\)"),
        (lambda: KNNClassifier(k=(3,)).fit(features, labels.float()), "labels must be integers"),
        (lambda: KNNClassifier(k=(3,)).fit(features, labels - 1), "found -1"),
        (lambda: KNNClassifier(k=(3,)).fit(features, labels, num_classes=4), r"\[0, 4\), found 4"),
        (lambda: KNNClassifier(k=(3,)).fit(features.long(), labels), "floating-point"),
        (lambda: KNNClassifier(k=(3,)).fit([features, features[:, 1:]], labels), "same width"),
        (lambda: KNNClassifier(k=(3,)).fit([], labels), "no rows"),
        (lambda: fitted.predict(queries[:, 1:]), "23 wide, the training features 24"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(RuntimeError, match="comes before"):
        KNNClassifier().predict(queries)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same_neighbours(features: Tensor, labels: Tensor, queries: Tensor) -> None:
    expected = KNNClassifier(k=(10,)).fit(features, labels).neighbours(queries)
    for knn in (KNNClassifier(k=(10,), memory=TINY), KNNClassifier(k=(10,), device="cuda")):
        similarities, indices = knn.fit(features, labels).neighbours(queries.cuda())
        assert torch.equal(indices.cpu(), expected[1])
        torch.testing.assert_close(similarities.cpu(), expected[0])
