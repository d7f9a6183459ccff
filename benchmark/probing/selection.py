"""Honest selection: a sweep's settings are chosen on images held out of train, never on the scored split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmark.errors import DataError
from benchmark.protocols.sections import Probes


@dataclass(frozen=True)
class Candidate:
    """One (lr, weight decay) of a sweep."""

    lr: float
    weight_decay: float


def candidates(probes: Probes) -> list[Candidate]:
    """Returns every (lr, weight decay) of the sweep."""
    return [Candidate(lr, decay) for lr, decay in product(probes.lr, probes.weight_decay)]


def hold_out(size: int, share: float, seed: int, scenes: Sequence[str] | None = None) -> tuple[list[int], list[int]]:
    """Splits ``range(size)`` into indices to train on and indices to choose on, both sorted and not empty.

    Args:
        size: Number of images.
        share: Of images to choose on.
        seed: Of the draw.
        scenes: Where each image was filmed. Whole scenes are held out, in random order, those that would go over the
            share left aside, for the neighbours of a frame show the same: a tenth of NYU's frames, drawn one by one,
            have a neighbour in train in 98.5 % of cases. None, or one scene, draws image by image.

    Raises:
        DataError: Fewer than two images.
    """
    if size < 2:
        raise DataError(f"a sweep holds training images out, so it needs at least 2; there is {size}")
    count = min(max(round(size * share), 1), size - 1)
    generator = np.random.default_rng([seed, size])
    if scenes is not None and len(set(scenes)) > 1:
        held_out = _whole_scenes(scenes, count, generator)
        return [index for index in range(size) if index not in held_out], sorted(held_out)
    order = generator.permutation(size)
    return sorted(order[count:].tolist()), sorted(order[:count].tolist())


def _whole_scenes(scenes: Sequence[str], count: int, generator: np.random.Generator) -> set[int]:
    """Returns the images of some scenes, ``count`` at most, or of the smallest scene where all have more."""
    members: dict[str, list[int]] = {}
    for index, scene in enumerate(scenes):
        members.setdefault(scene, []).append(index)
    names = sorted(members)
    held_out: set[int] = set()
    for place in generator.permutation(len(names)):
        images = members[names[place]]
        if len(held_out) + len(images) <= count:
            held_out.update(images)
    return held_out or set(members[min(names, key=lambda name: len(members[name]))])


def best(scores: Sequence[float], *, higher_is_better: bool) -> int:
    """Returns the index of the best score; nan loses, the first of equals wins."""
    values = np.asarray(scores, dtype=np.float64)
    worst = -np.inf if higher_is_better else np.inf
    values = np.where(np.isnan(values), worst, values)
    return int(values.argmax() if higher_is_better else values.argmin())
