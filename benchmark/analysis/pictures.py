"""The pictures that are analysed: a folder of files, or rendered rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.folders import Scan
from benchmark.data.images import read_image
from benchmark.errors import DataError
from benchmark.samples.crops import centre_crop, resize_short
from benchmark.synthetic.rooms import render_room

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
RENDERED = 32
"""Number of rooms that are rendered if neither a folder nor a limit is given."""

Picture = NDArray[np.uint8]
"""(S, S, 3), BGR as OpenCV has it."""


@dataclass(frozen=True)
class Pictures:
    """A sequence of square pictures, each loaded on demand."""

    source: str
    """The folder, or what was rendered."""

    names: tuple[str, ...]
    """Path below the folder, or the number of the room."""

    size: int
    """Side, pixels."""

    load: Callable[[int], Picture]
    """From an index to a picture; raises DataError for a file that cannot be read."""

    notes: tuple[str, ...] = ()
    """Files of the folder that were skipped."""

    def __len__(self) -> int:
        return len(self.names)

    def batches(self, count: int) -> Iterator[list[Picture]]:
        """Yields the pictures in order, ``count`` at a time."""
        for start in range(0, len(self), count):
            yield [self.load(index) for index in range(start, min(start + count, len(self)))]


def from_folder(folder: Path, size: int, limit: int | None) -> Pictures:
    """Finds the pictures below a folder, in the order of their paths.

    The short side is resized to ``size`` (bicubic, antialiased) and the central square is cut out. With a limit, the
    pictures are spread evenly over the folder, so that every class folder is represented.

    Raises:
        DataError: No such folder, no picture in it, or a name that is not UTF-8.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of pictures; give one, or leave it out to use rendered rooms")
    scan = Scan(folder, SUFFIXES)
    paths = sorted(folder / name for name in scan.walk())
    for problem in scan.problems:
        raise DataError(problem)
    if not paths:
        raise DataError(f"{folder} holds no picture; looked for {', '.join(SUFFIXES)} in it and below it")
    selected = _spread(paths, limit)
    names = tuple(path.relative_to(folder).as_posix() for path in selected)
    return Pictures(
        str(folder), names, size, lambda index: _square(read_image(selected[index]), size), tuple(scan.notes)
    )


def rendered(size: int, limit: int | None) -> Pictures:
    """Renders rooms like those of the mini data, at ``size`` x ``size`` pixels."""
    count = RENDERED if limit is None else limit
    names = tuple(f"room {seed}" for seed in range(count))

    def load(seed: int) -> Picture:
        return np.ascontiguousarray(render_room(seed, (size, size)).image[..., ::-1])

    return Pictures("rendered rooms", names, size, load)


def _spread(paths: Sequence[Path], limit: int | None) -> list[Path]:
    if limit is None or limit >= len(paths):
        return list(paths)
    return [paths[index * len(paths) // limit] for index in range(limit)]


def _square(image: Picture, size: int) -> Picture:
    return np.asarray(centre_crop(resize_short(Image.fromarray(image), size, "bicubic"), size))
