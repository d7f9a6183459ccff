"""The bootstrap over images: how much a score would vary with other images of the same kind.

Images are drawn with replacement; in matrix form a replicate is a row of weights, how often each image was drawn, and
its sums are weights times counts. In float64 sums of pixel counts are exact. The images of several samples, such as
two models on one dataset, are drawn together, which is what makes a comparison paired.

Interval: BCa (bias-corrected and accelerated; Efron, JASA 82, 1987), as ``scipy.stats.bootstrap``. mIoU leaves out a
class that no drawn image holds, so its replicates are off centre where classes are rare, and plain percentiles are
too. Rare classes still make any bootstrap too narrow: a class in three images is known from three images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np

from benchmark.records.ratio_of_sums import Ratios, score_of_sums

REPLICATES = 10_000
_CHUNK_BYTES = 32 * 2**20
_FEW_COLUMNS = 8  # looking for equal images pays for scores without classes, hits above all


def bootstrap(samples: Sequence[Ratios], *, replicates: int = REPLICATES, seed: int = 0) -> np.ndarray:
    """Scores samples on replicates of their common images.

    Args:
        samples: One or more with the same images in the same order.
        replicates: How many, R.
        seed: Of the draws.

    Returns:
        (len(samples), R); nan where a replicate holds nothing to score.

    Raises:
        ValueError: Images differ or there are fewer than two.
    """
    if any(sample.images != samples[0].images for sample in samples):
        raise ValueError("samples drawn together need the same images")
    if len(samples[0].images) < 2:
        raise ValueError(f"a bootstrap needs at least 2 images, received {len(samples[0].images)}")
    table = np.concatenate([_flat(sample) for sample in samples], axis=1)
    rows, counts = equal_rows(table)
    generator = np.random.default_rng(seed)
    chunks = chunked(replicates, max(rows.shape))
    return _scored_sums(samples, (weights @ rows for weights in _weights(counts, chunks, generator)))


def equal_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different rows (K, M) of (N, M) and how many there are of each, (K,).

    Images that add the same are interchangeable, so they can be drawn by number: 50,000 hits and misses of two models
    are four rows.
    """
    if table.shape[1] <= _FEW_COLUMNS:
        rows, counts = np.unique(table, axis=0, return_counts=True)
        if len(rows) <= len(table) // 4:
            return rows, counts
    return table, np.ones(len(table), np.int64)


def _scored_sums(samples: Sequence[Ratios], chunks: Iterator[np.ndarray]) -> np.ndarray:
    """Scores chunks of sums (r, M), columns as ``_flat`` lays the samples out; returns (len(samples), R)."""
    scores = []
    for sums in chunks:
        start, of_samples = 0, []
        for sample in samples:
            repeats, classes = sample.repeats, len(sample.classes)
            width = repeats * classes
            numerator, denominator = (
                sums[:, start + part * width : start + (part + 1) * width].reshape(-1, repeats, classes)
                for part in (0, 1)
            )
            of_samples.append(score_of_sums(numerator, denominator, sample.scale))
            start += 2 * width
        scores.append(np.stack(of_samples))
    return np.concatenate(scores, axis=1)


def jackknife(sample: Ratios) -> np.ndarray:
    """Scores the sample without each of its images in turn: (N,)."""
    numerator, denominator = sample.sums()
    left = (
        sums - values.swapaxes(0, 1)
        for sums, values in ((numerator, sample.numerator), (denominator, sample.denominator))
    )
    return score_of_sums(*left, sample.scale)


def bca_interval(
    score: float, replicates: np.ndarray, jackknives: Sequence[np.ndarray], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Returns the BCa interval.

    Args:
        score: Of the images as they are.
        replicates: (R,) scores of replicates; nan ones are left out.
        jackknives: Scores without each image, (N,), for each independent set of images the score rests on.
        confidence: Share of intervals that should hold the true value.

    Raises:
        ValueError: No replicate is a number.
    """
    values = replicates[np.isfinite(replicates)]
    if not values.size:
        raise ValueError("no replicate holds anything to score")
    normal = NormalDist()
    below = (np.mean(values < score) + np.mean(values <= score)) / 2
    edge = 0.5 / len(values)  # beyond all replicates lies no known distance
    bias = normal.inv_cdf(float(np.clip(below, edge, 1 - edge)))
    acceleration = _acceleration(jackknives)
    shares = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        shift = bias + normal.inv_cdf(tail)
        shares.append(normal.cdf(bias + shift / (1 - acceleration * shift)))
    low, high = np.quantile(values, shares)
    return float(low), float(high)


def _acceleration(jackknives: Sequence[np.ndarray]) -> float:
    """Davison & Hinkley, Bootstrap Methods, 1997, equation 5.29 for several samples; 0 where nothing moves."""
    cubes = squares = 0.0
    for scores in jackknives:
        influence = scores[np.isfinite(scores)]
        influence = (len(influence) - 1) * (influence.mean() - influence)
        cubes += float(np.sum(influence**3)) / len(influence) ** 3
        squares += float(np.sum(influence**2)) / len(influence) ** 2
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def _flat(sample: Ratios) -> np.ndarray:
    """Lays (S, N, C) numerators and denominators out as (N, 2 S C)."""
    images = len(sample.images)
    parts = (values.swapaxes(0, 1).reshape(images, -1) for values in (sample.numerator, sample.denominator))
    return np.concatenate(list(parts), axis=1)


def chunked(replicates: int, columns: int) -> Iterator[int]:
    """Cuts replicates into chunks whose (r, columns) float64 matrix stays small."""
    size = max(1, _CHUNK_BYTES // (8 * columns))
    for start in range(0, replicates, size):
        yield min(size, replicates - start)


def _weights(counts: np.ndarray, chunks: Iterator[int], generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Draws how often each row is in a replicate: chunks of (r, K), each row sums to N."""
    kinds, images = len(counts), int(counts.sum())
    for size in chunks:
        if kinds < images:
            yield generator.multinomial(images, counts / images, size=size).astype(np.float64)
        else:  # the same law; counting draws is much faster than as many binomials
            drawn = generator.integers(images, size=(size, images), dtype=np.int32)
            drawn += (np.arange(size, dtype=np.int32) * np.int32(images))[:, None]
            yield np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images).astype(np.float64)
