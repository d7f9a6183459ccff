"""Where training examples come from: images through the backbone, or features that are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from benchmark.features.frozen import FrozenBackbone
from benchmark.probing.train import Example, Examples
from benchmark.samples.sample_order import SampleOrder


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
    order: SampleOrder,
) -> Examples:
    """Returns examples that run the backbone, each process on its share of every batch.

    Args:
        batches: From a range of steps to this process's share of their batches.
        encoder: The frozen backbone.
        see: From images to what the heads are called with, by ``encoder``.
        order: Which samples make the batch of a step.
    """
    world, device = encoder.world, encoder.device

    def examples(steps: range) -> Iterator[Example]:
        if world.is_main:  # what an earlier run did counts too
            encoder.forwards += order.samples_before(steps.start)
        for step, batch in zip(steps, batches(steps), strict=True):
            total = len(order.places(step))
            head_inputs = tuple(world.gather(part, total) for part in see(batch.images))
            target = world.gather(batch.target.to(device, non_blocking=True), total)
            yield Example.of(head_inputs, target, order, step)

    return examples
