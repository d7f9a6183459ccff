"""Which images of each class a limited or few-shot run takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import DataError


def spread(labels: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Returns ``count`` image indices, ascending, spread evenly over the classes.

    The first image of every class in label order, then the second of every class, and so on until there are enough:
    class folders come sorted, so that the first images of a split would be of one class.

    Args:
        labels: (N,) class of each image.
        count: How many; all images where there are fewer.
    """
    order = np.argsort(labels, kind="stable")
    _, sizes = np.unique(labels, return_counts=True)
    turn = np.empty(len(labels), np.int64)
    turn[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(np.lexsort((labels, turn))[:count])


def few_shot(labels: NDArray[np.integer], n_per_class: int, draw: int) -> NDArray[np.int64]:
    """Returns the indices of ``n_per_class`` random images of each class, ascending.

    Args:
        labels: (N,) class of each image.
        n_per_class: Images of each class.
        draw: Number of the draw, which seeds it.

    Raises:
        DataError: A class with fewer images.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if sizes.size == 0 or sizes.min() < n_per_class:
        fewest = f"class {classes[sizes.argmin()]} has {sizes.min()}" if sizes.size else "there are none"
        raise DataError(f"{n_per_class} training images of each class are wanted, {fewest}; lower data.n_per_class")
    rng = np.random.default_rng(draw)
    members = np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1])
    chosen = [rng.choice(of_class, n_per_class, replace=False) for of_class in members]
    return np.sort(np.concatenate(chosen))
