"""Is a difference between two models real? Tests that are paired on the same images.

* An interval of the difference: both models are scored on the same bootstrap replicates.
* A p-value: if both models were equally good, exchanging their results on an image would change nothing. Exchanging
  at random on every image gives the differences to expect then (Edgington & Onghena, Randomization Tests, 2007). For a
  mean this is the sign-flip test; for mIoU the counts are exchanged, since its images have no scores by themselves.
* A family of comparisons is corrected after Holm (Scand. J. Stat. 6, 1979).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.records.ratio_of_sums import Ratios, on_classes, score_of_sums
from benchmark.report.statistics.bootstrap import REPLICATES, bca_interval, bootstrap, chunked, equal_rows, jackknife
from benchmark.report.statistics.intervals import Interval

_ROUNDING = 1e-9  # differences that agree to it are the same; sums of floats depend on their order


@dataclass(frozen=True)
class PerImage:
    """How often the second model did better, alike or worse on an image."""

    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class ClassDelta:
    """One class of both models."""

    number: int
    first: float
    second: float
    delta: float


def on_common_classes(first: Ratios, second: Ratios) -> tuple[Ratios, Ratios]:
    """Lays a pair out on the classes that occur in either."""
    classes = np.union1d(first.classes, second.classes)
    return on_classes(first, classes), on_classes(second, classes)


def delta_replicates(first: Ratios, second: Ratios, *, seed: int = 0) -> np.ndarray:
    """Returns bootstrap replicates (R,) of second - first on common images."""
    scores = bootstrap([first, second], seed=seed)
    return scores[1] - scores[0]


def delta_interval(pairs: Sequence[tuple[Ratios, Ratios]]) -> Interval | None:
    """Returns the BCa interval of the mean over pairs of second - first.

    Pairs are benchmarks with images of their own, so each is drawn with a seed of its own; one pair gives the interval
    of its own difference. None where a pair has fewer than two images.
    """
    if any(len(first.images) < 2 for first, _ in pairs):
        return None
    delta = float(np.mean([second.score() - first.score() for first, second in pairs]))
    replicates = np.mean([delta_replicates(*pair, seed=number) for number, pair in enumerate(pairs)], axis=0)
    influence = [(jackknife(second) - jackknife(first)) / len(pairs) for first, second in pairs]
    return Interval(*bca_interval(delta, replicates, influence), "bca")


def exchange_test(first: Ratios, second: Ratios, *, resamples: int = REPLICATES, seed: int = 0) -> float:
    """Returns the two-sided p-value of second - first under random exchange of the models on each image.

    Args:
        first: On the same images, classes and number of repeats as the second; all repeats of an image are exchanged
            together.
        second: The other model.
        resamples: Random exchanges, R; the smallest p-value is 1 / (R + 1).
        seed: Of the exchanges.

    Raises:
        ValueError: The shapes differ.
    """
    if first.images != second.images or first.numerator.shape != second.numerator.shape:
        raise ValueError("exchanging needs the same images, classes and number of repeats")
    images, shape = len(first.images), (first.repeats, len(first.classes))
    change = np.stack((second.numerator - first.numerator, second.denominator - first.denominator))
    rows, counts = equal_rows(change.transpose(2, 0, 1, 3).reshape(images, -1))
    of_first, of_second = np.stack(first.sums()), np.stack(second.sums())
    observed = abs(second.score() - first.score())
    generator, beyond = np.random.default_rng(seed), 0
    for exchanged in _exchanges(counts, chunked(resamples, max(rows.shape)), generator):
        moved = (exchanged @ rows).reshape(-1, 2, *shape).swapaxes(0, 1)
        ones = score_of_sums(*(of_first[:, None] + moved), first.scale)
        others = score_of_sums(*(of_second[:, None] - moved), first.scale)
        beyond += int((np.abs(others - ones) >= observed - _ROUNDING).sum())
    return (beyond + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns Holm's adjusted p-values, in the order given."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted.tolist()


def per_image_outcomes(first: Ratios, second: Ratios, *, higher_is_better: bool) -> PerImage:
    """Counts images on which the second model is better, alike or worse; images without a score are left out.

    The score of an image is its own RMSE or hit, or its own mIoU: the mean over the classes that occur in it.
    """
    difference = second.per_image() - first.per_image()
    difference = (1 if higher_is_better else -1) * difference[np.isfinite(difference)]
    tied = np.abs(difference) <= _ROUNDING
    better = (difference > 0) & ~tied
    return PerImage(int(better.sum()), int(tied.sum()), int((~better & ~tied).sum()))


def class_deltas(first: Ratios, second: Ratios) -> list[ClassDelta]:
    """Lists IoU or accuracy of each class in both models, largest gain first; empty for scores without classes."""
    if first.labels is not None:
        classes, ones, others = _accuracy_by_class(first, second)
    elif len(first.classes) > 1:
        classes, ones, others = first.classes, first.per_class(), second.per_class()
    else:
        return []
    deltas = [
        ClassDelta(int(number), float(one), float(other), float(other - one))
        for number, one, other in zip(classes, ones, others, strict=True)
        if np.isfinite(one) and np.isfinite(other)
    ]
    return sorted(deltas, key=lambda each: (-each.delta, each.number))


def scored_in_first_only(first: Ratios, second: Ratios) -> tuple[int, ...]:
    """Lists the classes that only the first model has a score of: false alarms, which count as IoU 0."""
    mine, theirs = (np.isfinite(each.per_class()) for each in (first, second))
    return tuple(first.classes[mine & ~theirs].tolist())


def _accuracy_by_class(first: Ratios, second: Ratios) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    classes, place = np.unique(first.labels, return_inverse=True)
    images = np.bincount(place)
    return (
        classes,
        np.bincount(place, weights=first.per_image()) / images,
        np.bincount(place, weights=second.per_image()) / images,
    )


def _exchanges(counts: np.ndarray, chunks: Iterator[int], generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Draws how many images of each row are exchanged: chunks of (r, K)."""
    for size in chunks:
        if (counts == 1).all():
            yield generator.integers(2, size=(size, len(counts)), dtype=np.int8).astype(np.float64)
        else:
            yield generator.binomial(counts, 0.5, size=(size, len(counts))).astype(np.float64)
