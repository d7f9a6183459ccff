"""Scores as means of ratios of sums over images: mIoU, mean RMSE and accuracy in one form.

mIoU sums intersections and unions over images, divides class by class and averages over classes. A mean over images
is the same with one class, the image's value above and 1 below. What resamples, leaves out or swaps images need know
no more than that.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Ratios:
    """What each image adds to a score; S repeats (head seeds, seeds, tries), N images, C classes."""

    images: tuple[str, ...]
    """Names of the N images."""

    classes: np.ndarray
    """(C,) class numbers; one of them, 0, where a score knows no classes."""

    numerator: np.ndarray
    """(S, N, C) float64: pixels of intersection, an image's RMSE, or 1 for a hit."""

    denominator: np.ndarray
    """(S, N, C) float64: pixels of union, or 1; 0 where an image says nothing of a class."""

    scale: float
    """100 for percent, 1 for metres."""

    labels: np.ndarray | None = None
    """(N,) class of each image, of a classification."""

    @property
    def repeats(self) -> int:
        """Returns S."""
        return self.numerator.shape[0]

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the sums over images, both (S, C)."""
        return self.numerator.sum(1), self.denominator.sum(1)

    def score(self) -> float:
        """Returns the score in its unit."""
        return float(score_of_sums(*self.sums(), self.scale))

    def per_image(self) -> np.ndarray:
        """Scores each image by itself, mean over repeats: (N,), nan where there is nothing to score."""
        return score_of_sums(self.numerator.swapaxes(0, 1), self.denominator.swapaxes(0, 1), self.scale)

    def per_class(self) -> np.ndarray:
        """Scores each class, mean over repeats: (C,), nan for a class that occurs nowhere."""
        return self.scale * _nanmean(_divide(*self.sums()), axis=0)


def score_of_sums(numerator: np.ndarray, denominator: np.ndarray, scale: float) -> np.ndarray:
    """Divides, averages over the classes that occur, then over repeats.

    Args:
        numerator: (..., S, C).
        denominator: (..., S, C).
        scale: Factor of the result.

    Returns:
        (...); nan where no class occurs.
    """
    return scale * _nanmean(_nanmean(_divide(numerator, denominator), axis=-1), axis=-1)


def on_classes(ratios: Ratios, classes: np.ndarray) -> Ratios:
    """Lays the ratios out on other classes, which must include all that occur."""
    place = np.searchsorted(classes, ratios.classes)
    shape = (*ratios.numerator.shape[:2], len(classes))
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    numerator[..., place], denominator[..., place] = ratios.numerator, ratios.denominator
    return replace(ratios, classes=classes, numerator=numerator, denominator=denominator)


def join_repeats(several: list[Ratios]) -> Ratios:
    """Joins runs with several seeds on the same images into the repeats of one.

    Raises:
        ValueError: Their images differ.
    """
    first = several[0]
    if any(other.images != first.images for other in several[1:]):
        raise ValueError("repeats of a score need the same images")
    classes = np.unique(np.concatenate([each.classes for each in several]))
    laid_out = [on_classes(each, classes) for each in several]
    return replace(
        first,
        classes=classes,
        numerator=np.concatenate([each.numerator for each in laid_out]),
        denominator=np.concatenate([each.denominator for each in laid_out]),
    )


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _nanmean(values: np.ndarray, axis: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(values, axis=axis)
