"""What stands in for an image that cannot be read, where the user chose to go on without it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import TypeVar

from benchmark.errors import DataError

Sample = TypeVar("Sample")


def with_replacement(load: Callable[[int], Sample], size: int, apart: Collection[int] = ()) -> Callable[[int], Sample]:
    """Returns a ``load`` that gives the next readable image in place of one that cannot be read.

    After the last image comes the first. Which one stands in depends on the files alone, so that a resumed run and
    another number of workers train on the same images. Each bad file is named once on standard error (by each loader
    process that meets it).

    Args:
        load: From an index in [0, size) to a sample; raises DataError for an image that cannot be read.
        size: Number of images.
        apart: Images that stand in for each other alone, such as those a sweep holds out.
    """
    named: set[int] = set()

    def load_or_next(index: int) -> Sample:
        for step in range(size):
            place = (index + step) % size
            if (place in apart) != (index in apart):
                continue
            try:
                return load(place)
            except DataError as error:
                if place not in named:
                    named.add(place)
                    print(f"left out, the next image stands in: {error}", file=sys.stderr)
        raise DataError(f"none of the {size:,} images can be read; the first errors are above")

    return load_or_next
