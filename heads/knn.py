"""Weighted k-nearest-neighbour classification of features by cosine similarity, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from heads.chunks import Features, as_shards, chunks_of, class_labels

DEFAULT_MEMORY = 1 << 30
"""Bytes a search may hold beside features and results."""

# Keys made at a time to choose among equal similarities: 8 bytes each, and as many again on the way.
_KEYS = 1 << 21

# Bytes that one query holds beside its float32 features, per neighbour: similarity and index.
_HELD = 4 + 8


class KNNClassifier:
    """The vote of facebookresearch/dinov2 ``eval/knn.py`` (``KnnModule``), for several k from one search.

    Features are divided by their L2 norm in float32. With m the largest k, the weights of a query's m nearest training
    rows are softmax(similarity / temperature) over those m, and its score for a class is the sum of the weights of the
    first k that have it. (exp(similarity / temperature) gives the same argmax: only the denominator differs.)

    Training rows and queries are read in chunks, and the m best so far are merged with those of each chunk, so that
    neither the features in float32 nor all similarities are ever held. Of equal similarities the lower training row
    comes first, whatever the chunks. (Products of different shapes may round differently: similarities that differ in
    the last bits only can change places when the memory does.)

    Args:
        k: Numbers of neighbours.
        temperature: Of the softmax.
        device: Where it is computed; None is where the queries are.
        memory: Bytes for converted chunks and similarities together. On CPUs more than the default gains little.

    Raises:
        ValueError: No k, or one that is not a positive integer; a temperature that is not positive.

    >>> features = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> KNNClassifier(k=(1, 2)).fit(features, torch.tensor([0, 0, 1])).predict(torch.tensor([[2.0, 0.1]]))
    {1: tensor([0]), 2: tensor([0])}
    """

    def __init__(
        self,
        k: Sequence[int] = (10, 20, 100, 200),
        temperature: float = 0.07,
        *,
        device: torch.device | str | None = None,
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        if not k or any(not isinstance(number, int) or number < 1 for number in k):
            raise ValueError(f"k must be positive integers, received {tuple(k)}")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, received {temperature}")
        self.k = tuple(sorted(set(k)))
        self.temperature = temperature
        self.num_classes = 0
        self._device = None if device is None else torch.device(device)
        self._memory = memory
        self._shards: tuple[Tensor, ...] = ()

    def fit(self, features: Features, labels: Tensor, *, num_classes: int | None = None) -> KNNClassifier:
        """Keeps the training rows, without a copy, after one pass that checks them.

        Args:
            features: (N, D) floating point, or shards of it.
            labels: (N,) integer classes from 0 on.
            num_classes: Number of classes C; None is the highest label + 1.

        Raises:
            ValueError: Wrong shapes, fewer rows than the largest k, a label that is not a class, or a row that is not
                finite or has length 0 and so no direction.
        """
        shards = as_shards(features, "training features")
        rows = sum(len(shard) for shard in shards)
        labels = class_labels(labels, rows)
        if self.k[-1] > rows:
            raise ValueError(f"k = {self.k[-1]} neighbours cannot be found among {rows} training rows; ask for k <= N")
        classes = int(labels.max()) + 1
        if num_classes is not None and classes > num_classes:
            raise ValueError(f"labels must lie in [0, {num_classes}), found {classes - 1}")
        device = self._device or shards[0].device
        width = shards[0].shape[1]
        lengths, first = [], 0
        for chunk in chunks_of(shards, _rows(self._memory / 4, 4 * width), dtype=torch.float32, device=device):
            lengths.append(_lengths(chunk, first, "training features"))
            first += len(chunk)
        self._shards, self._lengths, self._labels = shards, torch.cat(lengths), labels
        self.num_classes = num_classes or classes
        return self

    def predict(self, queries: Features) -> dict[int, Tensor]:
        """Returns for each k the classes (N,) int64 of queries (N, D); of equal scores the lower class wins."""
        predictions: dict[int, list[Tensor]] = {k: [] for k in self.k}
        for votes in self.votes(queries):
            for k, scores in votes.items():
                predictions[k].append(scores.argmax(1))
        return {k: torch.cat(parts) for k, parts in predictions.items()}

    def votes(self, queries: Features) -> Iterator[dict[int, Tensor]]:
        """Yields for each k the scores (n, C) float32 of the next n queries; their sum over classes is at most 1.

        A class that none of the k neighbours has scores exactly 0: it is not an answer, even where it
        stands among the first five.
        """
        for similarities, indices in self._blocks(queries):
            labels = self._labels.to(indices.device)
            rows = _rows(self._memory / 4, 4 * self.num_classes * (len(self.k) + 1))
            for part, index in zip(similarities.split(rows), indices.split(rows), strict=True):
                yield vote(part, labels[index], k=self.k, temperature=self.temperature, num_classes=self.num_classes)

    def neighbours(self, queries: Features) -> tuple[Tensor, Tensor]:
        """Finds the nearest training rows.

        Args:
            queries: (N, D) floating point, or shards of it.

        Returns:
            Cosine similarities (N, m) float32, falling, and training rows (N, m) int64; m is the largest k.

        Raises:
            ValueError: Wrong shapes, or a query that is not finite or has length 0.
            RuntimeError: There is nothing to search before ``fit``.
        """
        similarities, indices = zip(*self._blocks(queries), strict=True)
        return torch.cat(similarities), torch.cat(indices)

    def _blocks(self, queries: Features) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the neighbours of as many queries at a time as the memory holds, each with one pass over train."""
        if not self._shards:
            raise RuntimeError("KNNClassifier.fit(features, labels) comes before the first query")
        width = self._shards[0].shape[1]
        shards = as_shards(queries, "queries")
        if shards[0].shape[1] != width:
            raise ValueError(f"queries are {shards[0].shape[1]} wide, the training features {width}")
        device = self._device or shards[0].device
        rows, first = _rows(self._memory / 4, 4 * width + _HELD * self.k[-1]), 0
        for block in chunks_of(shards, rows, dtype=torch.float32, device=device):
            block.div_(_lengths(block, first, "queries")[:, None])
            first += len(block)
            yield self._search(block)

    def _search(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Returns similarities and rows (Q, m) of queries (Q, D) of length 1."""
        most, device = self.k[-1], queries.device
        rows = min(_rows(self._memory / 4, 4 * queries.shape[1]), len(self._lengths))
        tile_rows = min(_rows(self._memory / 2, 4 * rows), len(queries))
        buffer = torch.empty(tile_rows * rows, device=device)
        lengths = self._lengths.to(device)
        best = torch.full((len(queries), most), -torch.inf, device=device)
        indices = torch.zeros((len(queries), most), dtype=torch.int64, device=device)
        first = 0
        for chunk in chunks_of(self._shards, rows, dtype=torch.float32, device=device):
            chunk.div_(lengths[first : first + len(chunk), None])
            for top in range(0, len(queries), tile_rows):
                part = slice(top, top + tile_rows)
                tile = buffer[: len(queries[part]) * len(chunk)].view(-1, len(chunk))
                torch.mm(queries[part], chunk.T, out=tile)
                values, columns = _candidates(tile, most)
                _merge(best[part], indices[part], values, columns + first)
            first += len(chunk)
        return best, indices


def vote(
    similarities: Tensor, labels: Tensor, *, k: Sequence[int], temperature: float, num_classes: int
) -> dict[int, Tensor]:
    """Sums the weights of the first k neighbours by class (see ``KNNClassifier``).

    DINOv2 multiplies one-hot labels; adding where the labels point gives the same sums without the zeros.

    Args:
        similarities: (N, m), falling.
        labels: (N, m) int64 classes of the neighbours.
        k: Numbers of neighbours, rising, at most m.
        temperature: Of the softmax over all m.
        num_classes: Number of classes C.

    Returns:
        For each k, (N, C).
    """
    weights = (similarities / temperature).softmax(1)
    scores = weights.new_zeros((len(weights), num_classes))
    votes, counted = {}, 0
    for number in k:
        scores.scatter_add_(1, labels[:, counted:number], weights[:, counted:number])
        votes[number] = scores.clone()
        counted = number
    return votes


def _candidates(tile: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Returns values and columns of at least the ``most`` first of each row, columns rising.

    ``topk`` chooses freely among equal values. One value more than needed shows whether that happened at the border;
    such rows are chosen again by keys that differ. They are rare, unless a backbone gives all images nearly the same
    feature.
    """
    if tile.shape[1] <= most:
        return tile, torch.arange(tile.shape[1], device=tile.device).expand_as(tile)
    values, columns = tile.topk(most + 1)
    tied = (values[:, most - 1] == values[:, most]).nonzero().flatten()
    for rows in tied.split(_rows(_KEYS, tile.shape[1])):
        columns[rows] = _keys(tile[rows]).topk(most + 1).indices
    columns = columns.sort().values
    return tile.gather(1, columns), columns


def _keys(values: Tensor) -> Tensor:
    """Returns int64 keys in the order of float32 values, and of falling columns where those are equal."""
    bits = values.view(torch.int32).long()  # sign and magnitude
    ordered = torch.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return (ordered << 32) - torch.arange(values.shape[1], device=values.device)


def _merge(best: Tensor, indices: Tensor, new: Tensor, new_indices: Tensor) -> None:
    """Puts the first of both into ``best`` and ``indices``; a stable sort keeps the lower index of equals first."""
    values, order = torch.cat((best, new), dim=1).sort(dim=1, descending=True, stable=True)
    order = order[:, : best.shape[1]]
    indices.copy_(torch.cat((indices, new_indices), dim=1).gather(1, order))
    best.copy_(values[:, : best.shape[1]])


def _lengths(chunk: Tensor, first: int, name: str) -> Tensor:
    lengths = torch.linalg.vector_norm(chunk, dim=1)
    usable = lengths.isfinite() & (lengths > 0)
    if not usable.all():
        row = int(usable.logical_not().nonzero()[0])
        raise ValueError(
            f"{name}: row {first + row} has length {float(lengths[row])}, so it has no direction to compare; "
            "features must be finite and not all 0"
        )
    return lengths


def _rows(memory: float, row_bytes: int) -> int:
    return max(1, int(memory // row_bytes))
