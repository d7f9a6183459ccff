"""Training batches addressed by step.

A batch is a function of (seed, step) alone: which images, and how each is augmented. So a resumed run starts at step
N without replaying anything, and the number of loader workers changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmark.distributed import World
from benchmark.errors import DenseBenchError
from benchmark.samples.sample_order import Place, SampleOrder


@contextmanager
def numpy_seeded(*entropy: int) -> Iterator[None]:
    """Seeds numpy's global generator, which mmsegmentation's transforms draw from, and restores it afterwards."""
    state = np.random.get_state()
    np.random.seed(np.random.SeedSequence(entropy).generate_state(8))
    try:
        yield
    finally:
        np.random.set_state(state)


class _Placed(Dataset):
    """Samples by their place in an order."""

    def __init__(self, load: Callable[[int], Any], order: SampleOrder) -> None:
        self.load, self.order = load, order

    def __getitem__(self, place: Place) -> Any:
        with numpy_seeded(self.order.seed, *place.entropy):
            return _loaded(self.load, self.order.index(place))


class _Places:
    """The places of each step, drawn up when their turn comes: there may be millions."""

    def __init__(self, order: SampleOrder, steps: range, share: Callable[[Sequence[Place]], Sequence[Place]]) -> None:
        self.order, self.steps, self.share = order, steps, share

    def __iter__(self) -> Iterator[Sequence[Place]]:
        return (self.share(self.order.places(step)) for step in self.steps)

    def __len__(self) -> int:
        return len(self.steps)


def training_batches(
    load: Callable[[int], Any],
    collate: Callable[[list[Any]], Any],
    *,
    order: SampleOrder,
    steps: range,
    world: World | None = None,
    workers: int = 0,
) -> Iterator[Any]:
    """Yields the batch of each step in ``steps``, or this process's share of it.

    Args:
        load: From an image index to an augmented sample; may draw from numpy's global generator.
        collate: From a list of samples to a batch.
        order: Which images make the batch of a step.
        steps: Steps wanted.
        world: The processes that share the work.
        workers: Loader processes; 0 loads in this one.
    """
    share = (world or World()).share

    def collate_or_pass_on(samples: list[Any]) -> Any:
        return next((sample for sample in samples if isinstance(sample, DenseBenchError)), None) or collate(samples)

    loader = DataLoader(
        _Placed(load, order),
        batch_sampler=_Places(order, steps, share),
        collate_fn=collate_or_pass_on,
        num_workers=workers,
        worker_init_fn=_one_thread_each,
    )
    return _raised(loader)


def ordered_samples(load: Callable[[int], Any], indices: list[int], *, workers: int = 0) -> Iterator[Any]:
    """Yields the sample of each index, in order."""
    dataset = _Indexed(load)
    loader = DataLoader(dataset, sampler=indices, batch_size=None, num_workers=workers, worker_init_fn=_one_thread_each)
    return _raised(loader)


@dataclass(frozen=True)
class OrderedBatch:
    """Images of one size, in order, with the errors in the places of those that cannot be had."""

    indices: list[int]
    """Of all images, bad ones among them."""

    images: Tensor | None
    """The good ones, (B, ...); None if there is none."""

    errors: dict[int, DenseBenchError]
    """What is wrong with the others, by index."""


def ordered_batches(
    load: Callable[[int], Tensor], indices: Sequence[int], *, batch_size: int, workers: int = 0
) -> Iterator[OrderedBatch]:
    """Yields the images of ``indices`` in order, ``batch_size`` at a time.

    Args:
        load: From an index to an image, all of one size; what is wrong with it is a `DenseBenchError`.
        indices: Images wanted.
        batch_size: Images per batch; the last may have fewer.
        workers: Loader processes; 0 loads in this one.
    """
    chunks = [indices[start : start + batch_size] for start in range(0, len(indices), batch_size)]

    def collate(loaded: list[tuple[int, Tensor | DenseBenchError]]) -> OrderedBatch:
        images = [image for _, image in loaded if not isinstance(image, DenseBenchError)]
        errors = {index: image for index, image in loaded if isinstance(image, DenseBenchError)}
        # Stacked here: a worker hands over one piece of memory, not one per image.
        return OrderedBatch([index for index, _ in loaded], torch.stack(images) if images else None, errors)

    loader = DataLoader(
        _Indexed(lambda index: (index, _loaded(load, index))),
        batch_sampler=chunks,
        collate_fn=collate,
        num_workers=workers,
        worker_init_fn=_one_thread_each,
    )
    return iter(loader)


class _Indexed(Dataset):
    def __init__(self, load: Callable[[int], Any]) -> None:
        self.load = load

    def __getitem__(self, index: int) -> Any:
        return _loaded(self.load, index)


def _loaded(load: Callable[[int], Any], index: int) -> Any:
    """Returns an error a user can mend instead of raising it: a worker would wrap it in its traceback."""
    try:
        return load(index)
    except DenseBenchError as error:
        return error


def _raised(batches: Iterable[Any]) -> Iterator[Any]:
    """Raises what a worker could not."""
    for batch in batches:
        if isinstance(batch, DenseBenchError):
            raise batch
        yield batch


def _one_thread_each(_worker: int) -> None:
    cv2.setNumThreads(0)  # the workers are the parallelism
