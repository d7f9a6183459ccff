"""Predictions of classes to accuracy: the metrics and per-image rows that all classification benchmarks record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.data.classification import LabelledImages
from benchmark.data.extra_set import ExtraSet
from benchmark.features.frozen import FrozenBackbone
from benchmark.metrics.topk import mean_class_accuracy, ranks
from benchmark.probing.classification.stored_features import LabelledFeatures
from benchmark.probing.run_record import Outcome
from benchmark.probing.selection import best
from benchmark.records.per_image import HITS


@dataclass(frozen=True)
class Ranked:
    """What a classifier says of N images."""

    prediction: NDArray[np.int64]
    """(N,) the class with the highest score."""

    rank: NDArray[np.int64]
    """(N,) how many classes come before the true one."""

    @property
    def top1(self) -> float:
        """Images whose class comes first, percent."""
        return 100 * float(np.mean(self.rank == 0))


def ranked(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the predicted class (..., N) and the rank of the true one of scores (..., N, C)."""
    return scores.argmax(-1), ranks(scores, labels)


def share_out(
    rank: Callable[[Tensor], tuple[Tensor, Tensor]], total: int, width: int, encoder: FrozenBackbone
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Has every process rank its share of ``total`` images and puts the shares together.

    Args:
        rank: From rows (n,) to predictions and ranks (n, width); it is not called without rows.
        total: Number of images.
        width: Classifiers.
        encoder: Device and processes.

    Returns:
        Predictions and ranks (total, width).
    """
    world = encoder.world
    rows = world.share(torch.arange(total))
    mine = rank(rows) if len(rows) else [torch.empty((0, width), dtype=torch.int64, device=encoder.device)] * 2
    return tuple(world.gather(part, total).cpu().numpy() for part in mine)


def metrics(tries: Sequence[Ranked], images: LabelledFeatures) -> dict[str, Any]:
    """Scores several tries (one, unless few-shot) on the same images, percent; the mean over tries is what counts."""
    labels = images.labels.numpy()
    top1 = [one.top1 for one in tries]
    found: dict[str, Any] = {
        "top1": float(np.mean(top1)),
        "top5": 100 * float(np.mean([np.mean(one.rank < 5) for one in tries])),
        "mean_class_accuracy": 100
        * float(np.mean([mean_class_accuracy(one.rank == 0, labels, num_classes=images.num_classes) for one in tries])),
        "classes": images.num_classes,
        "images_scored": len(labels),
    }
    if len(tries) > 1:
        found |= {"top1_tries": top1, "top1_std": float(np.std(top1, ddof=1))}
    return found


def per_image(tries: Sequence[Ranked], images: LabelledFeatures) -> pd.DataFrame:
    """Returns one row per try and image."""
    rank, count = np.concatenate([one.rank for one in tries]), len(tries)
    return HITS.table(
        {
            "image": np.tile(images.names, count),
            "try": np.repeat(np.arange(count), len(images)),
            "label": np.tile(images.labels.numpy(), count),
            "prediction": np.concatenate([one.prediction for one in tries]),
            "hit": rank == 0,
            "hit5": rank < 5,
        }
    )


def selected(
    candidates: Sequence[dict[str, Any]],
    chosen: int,
    on_held_out: Sequence[float],
    on_val: Sequence[float],
    *,
    train: str,
    images: int,
) -> dict[str, Any]:
    """Lays out a selection for the record.

    Args:
        candidates: Settings of each.
        chosen: Number of the chosen one.
        on_held_out: Top-1 of each, percent, on which it was chosen.
        on_val: Top-1 of each, percent, on the scored images.
        train: Split the images were held out of.
        images: How many.
    """
    table = [
        {**candidate, "top1_held_out": held, "top1_val": scored}
        for candidate, held, scored in zip(candidates, on_held_out, on_val, strict=True)
    ]
    best_on_val = table[best(on_val, higher_is_better=True)]
    return {
        "on": f"held-out {train}",
        "images": images,
        "chosen": table[chosen],
        "best_on_val": best_on_val,
        "candidates": table,
    }


def outcome(
    tries: Sequence[Ranked],
    train: LabelledFeatures | None,
    val: LabelledFeatures,
    selection: dict[str, Any] | None,
    extras: dict[str, dict[str, Any]],
) -> Outcome:
    """Makes what a benchmark hands to its record.

    Args:
        tries: What the chosen classifier says of val, by try.
        train: What it was trained on, where that is stored.
        val: What is scored.
        selection: How it was chosen.
        extras: Scores on further test sets, by name.
    """
    found = metrics(tries, val) | extras
    skipped = {name: len(part.features.skipped) for name, part in (("train", train), ("val", val)) if part}
    if any(skipped.values()):
        found["images_left_out"] = skipped
    return Outcome(found, selection, per_image(tries, val), patch_tokens=(val.tokens, val.tokens))


def encode_extras(
    extras: Sequence[ExtraSet], val: LabelledFeatures, encode: Callable[[LabelledImages], LabelledFeatures]
) -> list[tuple[ExtraSet, LabelledFeatures]]:
    """Returns the features of further test sets; those of val's own images are val's.

    It is called before anything is fitted, so that hours of it do not end at an image that cannot be read.
    """
    return [(extra, encode(extra.split) if extra.of_val is None else val) for extra in extras]


def score_extras(
    extras: Sequence[tuple[ExtraSet, LabelledFeatures]],
    on_val: Sequence[Ranked],
    rank: Callable[[LabelledFeatures], Sequence[Ranked]],
) -> dict[str, dict[str, Any]]:
    """Scores a classifier on further test sets: top-1 in percent, an image being right with any of its labels.

    Args:
        extras: The sets with their features, as `encode_extras` returns them.
        on_val: By try, what the classifier says of val.
        rank: What it says of other images, by try.
    """
    found = {}
    for extra, images in extras:
        tries = rank(images) if extra.of_val is None else on_val
        place = {name: row for row, name in enumerate(images.names)}
        pairs = [  # an image that could not be read has no row
            (place[name], right) for name, right in zip(extra.split.names, extra.targets, strict=True) if name in place
        ]
        shares = [np.mean([int(one.prediction[row]) in right for row, right in pairs]) for one in tries]
        found[extra.name] = {"top1": 100 * float(np.mean(shares)), "images_scored": len(pairs)}
    return found
