"""Mean and standard deviation of a stream, in one pass and in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of arrays of one shape, element by element.

    Source: Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
    The order and the size of the batches change nothing but the rounding.
    """

    n: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    """Sum of squared deviations from the mean."""

    @classmethod
    def of(cls, values: ArrayLike) -> Moments:
        """Returns the moments of a batch (n, ...) over its first axis."""
        batch = np.asarray(values, np.float64)
        mean = batch.mean(0)
        return cls(len(batch), mean, np.square(batch - mean).sum(0))

    def merged(self, other: Moments) -> Moments:
        """Returns the moments of both batches together."""
        n = self.n + other.n
        step = other.mean - self.mean
        return Moments(
            n,
            self.mean + step * (other.n / n),
            self.squares + other.squares + np.square(step) * (self.n * other.n / n),
        )

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation of the population: the images are described, not a source they come from."""
        return np.sqrt(self.squares / self.n)


def join(streams: dict[Name, Moments], batch: dict[Name, Moments]) -> dict[Name, Moments]:
    """Returns ``streams`` with a batch of the same names added; the first batch may meet an empty dict."""
    return {name: streams[name].merged(found) if name in streams else found for name, found in batch.items()}
