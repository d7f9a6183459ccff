"""Honest selection: a sweep's settings are chosen on images held out of train, never on the scored split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmark.errors import DataError
from benchmark.protocols import Probes


@dataclass(frozen=True)
class Candidate:
    """One (lr, weight decay) of a sweep."""

    lr: float
    weight_decay: float


def candidates(probes: Probes) -> list[Candidate]:
    """Returns every (lr, weight decay) of the sweep."""
    return [Candidate(lr, decay) for lr, decay in product(probes.lr, probes.weight_decay)]


def hold_out(size: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Splits ``range(size)`` into indices to train on and indices to choose on, both sorted and not empty.

    Raises:
        DataError: Fewer than two images.
    """
    if size < 2:
        raise DataError(f"a sweep holds training images out, so it needs at least 2; there is {size}")
    count = min(max(round(size * share), 1), size - 1)
    order = np.random.default_rng([seed, size]).permutation(size)
    return sorted(order[count:].tolist()), sorted(order[:count].tolist())


def best(scores: Sequence[float], *, higher_is_better: bool) -> int:
    """Returns the index of the best score; nan loses, the first of equals wins."""
    values = np.asarray(scores, dtype=np.float64)
    worst = -np.inf if higher_is_better else np.inf
    values = np.where(np.isnan(values), worst, values)
    return int(values.argmax() if higher_is_better else values.argmin())
