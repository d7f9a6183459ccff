"""Which training image comes when: a function of (seed, step) alone, so that a resumed run replays nothing.

Where a sweep holds images out to choose on, two sets of probes learn on one pass of the backbone. The probes that are
scored see every batch as it is drawn from all of train, as they would without a sweep. The probes that choose see the
same batch with each held-out image replaced by another: so a batch has some images more than the protocol's, a tenth
where a tenth is held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Place(NamedTuple):
    """One sample of a batch."""

    step: int
    slot: int
    """Place in the batch as the protocol counts it."""

    replacing: bool = False
    """Whether it stands in for the held-out image of that slot."""

    @property
    def entropy(self) -> tuple[int, ...]:
        """What its augmentation is drawn from, beside the seed."""
        return (self.step, self.slot, 1) if self.replacing else (self.step, self.slot)


@dataclass(frozen=True)
class SampleOrder:
    """Epochs of training images, each shuffled anew."""

    size: int
    """Training images, the held-out ones among them."""

    batch_size: int
    """Samples of a batch, over all processes."""

    seed: int

    held_out: frozenset[int] = frozenset()
    """Images that probes which choose must not see."""

    def places(self, step: int) -> list[Place]:
        """Lists the samples of a step: the batch, then what replaces its held-out images."""
        batch = [Place(step, slot) for slot in range(self.batch_size)]
        return batch + [place._replace(replacing=True) for place in batch if self.index(place) in self.held_out]

    def index(self, place: Place) -> int:
        """Returns the training image of a sample."""
        position = place.step * self.batch_size + place.slot
        if not place.replacing:
            return _drawn(position, self.seed, self.size, stream=0)
        return int(self._kept[_drawn(position, self.seed, len(self._kept), stream=1)])

    def rows_without_held_out(self, step: int) -> list[int] | None:
        """Returns which of ``places(step)`` make the batch of a probe that chooses, slot by slot; None if all do."""
        rows, replaced = list(range(self.batch_size)), self.batch_size
        for slot in range(self.batch_size):
            if self.index(Place(step, slot)) in self.held_out:
                rows[slot], replaced = replaced, replaced + 1
        return None if replaced == self.batch_size else rows

    def samples_before(self, step: int) -> int:
        """Counts the samples of all steps before one."""
        epochs, places = divmod(step * self.batch_size, self.size)
        last = _epoch_order(self.seed, epochs, self.size, 0)[:places].tolist() if self.held_out else []
        replaced = epochs * len(self.held_out) + sum(index in self.held_out for index in last)
        return step * self.batch_size + replaced

    @cached_property
    def _kept(self) -> NDArray[np.int64]:
        return np.delete(np.arange(self.size), sorted(self.held_out))


def _drawn(position: int, seed: int, size: int, *, stream: int) -> int:
    epoch, place = divmod(position, size)
    return int(_epoch_order(seed, epoch, size, stream)[place])


@lru_cache(maxsize=4)
def _epoch_order(seed: int, epoch: int, size: int, stream: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch, stream] if stream else [seed, epoch]).permutation(size)
