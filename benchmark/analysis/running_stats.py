"""Mean and standard deviation of a stream of arrays, in one pass and in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class RunningStats:
    """Count, mean and sum of squared deviations of arrays of one shape, element by element.

    Source: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
    The order and the size of the batches change nothing but the rounding.
    """

    n: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    """Sum of squared deviations from the mean."""

    @classmethod
    def of(cls, values: ArrayLike) -> RunningStats:
        """Returns the statistics of a batch (n, ...) over its first axis."""
        batch = np.asarray(values, np.float64)
        mean = batch.mean(0)
        return cls(len(batch), mean, np.square(batch - mean).sum(0))

    def merge(self, other: RunningStats) -> RunningStats:
        """Returns the statistics of both batches together."""
        n = self.n + other.n
        step = other.mean - self.mean
        return RunningStats(
            n,
            self.mean + step * (other.n / n),
            self.squares + other.squares + np.square(step) * (self.n * other.n / n),
        )

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation of the population: the images are described, not a source they come from."""
        return np.sqrt(self.squares / self.n)


def merge_by_name(total: dict[Name, RunningStats], batch: dict[Name, RunningStats]) -> dict[Name, RunningStats]:
    """Returns ``total`` with a batch of the same names added; for the first batch ``total`` may be empty."""
    return {name: total[name].merge(stats) if name in total else stats for name, stats in batch.items()}
