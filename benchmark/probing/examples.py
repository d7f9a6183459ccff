"""Where training examples come from: images through the backbone, or features that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from benchmark.probing.features import FrozenBackbone
from benchmark.probing.train import Example, Examples


@dataclass(frozen=True)
class Batch:
    """Images with what the probes should say of them."""

    images: Tensor
    """(B, 3, H, W), normalised."""

    target: Tensor
    """(B, ...), whatever the loss takes."""


def encoded(
    batches: Callable[[range], Iterator[Batch]],
    encoder: FrozenBackbone,
    see: Callable[[Tensor], tuple[Tensor, ...]],
    *,
    batch_size: int,
) -> Examples:
    """Returns examples that run the backbone, each process on its share of every batch.

    Args:
        batches: From a range of steps to this process's share of their batches.
        encoder: The frozen backbone.
        see: From images to what the heads are called with, by ``encoder``.
        batch_size: Images of a whole batch.
    """
    world, device = encoder.world, encoder.device

    def examples(steps: range) -> Iterator[Example]:
        if world.leads:
            encoder.forwards += steps.start * batch_size  # what an earlier run did counts too
        for batch in batches(steps):
            seen = [world.gather(part, batch_size) for part in see(batch.images)]
            target = world.gather(batch.target.to(device, non_blocking=True), batch_size)
            yield Example(tuple(seen), target)

    return examples
