"""Where training examples come from: images through the backbone, or features that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from benchmark.probing.features import FrozenFeatures
from benchmark.probing.train import Example, Examples


@dataclass(frozen=True)
class Batch:
    """Images with what the probes should say of them."""

    images: Tensor
    """(B, 3, H, W), normalised."""

    target: Tensor
    """(B, ...), whatever the loss takes."""


def encoded(batches: Callable[[range], Iterator[Batch]], features: FrozenFeatures, *, batch_size: int) -> Examples:
    """Returns examples that run the backbone, each process on its share of every batch.

    Args:
        batches: From a range of steps to this process's share of their batches.
        features: The frozen backbone.
        batch_size: Images of a whole batch.
    """

    def examples(steps: range) -> Iterator[Example]:
        if features.world.leads:
            features.forwards += steps.start * batch_size  # what an earlier run did counts too
        for batch in batches(steps):
            seen = [features.world.gather(part, batch_size) for part in features.seen(batch.images)]
            target = features.world.gather(batch.target.to(features.device, non_blocking=True), batch_size)
            yield Example(tuple(seen), target)

    return examples
