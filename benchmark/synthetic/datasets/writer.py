"""What the writers share: their description, a folder that is there whole or not at all, and image files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.errors import DataError

VERSION = 2
"""To be raised whenever the rendered rooms or the files change, so that older folders are written anew."""

_MARKER = "SYNTHETIC.json"


@dataclass(frozen=True)
class DatasetWriter:
    """How rendered rooms become files in the official layout of one dataset."""

    name: str
    """Folder of the dataset in a data root."""

    write: Callable[[Path, Mapping[str, range], tuple[int, int]], None]
    """Takes the root of the layout, the seeds of the rooms of each split, and height and width of the images."""

    layout: str = ""
    """Root of the official layout below the dataset's folder."""

    splits: tuple[str, ...] = ("train", "val")
    size: tuple[int, int] = (128, 160)
    """Height and width of the images in pixels, unless others are asked for."""

    rooms: Callable[[int], int] = int
    """From the number of images asked for to that of rooms: as many, if nothing else is said."""


def write_folder(folder: Path, settings: dict[str, object], build: Callable[[Path], None]) -> None:
    """Makes ``folder`` one of the given settings, with all files or not at all.

    Raises:
        DataError: It exists and was not written by this function.
    """
    marker = json.dumps({"version": VERSION, **settings}, indent=2) + "\n"
    if folder.exists():
        if not (folder / _MARKER).is_file():
            raise DataError(f"{folder} exists and holds no {_MARKER}, so it may be real data; choose another data root")
        if (folder / _MARKER).read_text(encoding="ascii") == marker:
            return
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        staging.mkdir(parents=True)
        build(staging)
        (staging / _MARKER).write_text(marker, encoding="ascii")
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def save_png(
    pixels: NDArray[np.integer], path: Path, *, palette: NDArray[np.uint8] | None = None, compress_level: int = 6
) -> None:
    """Writes an image or a label map, with a palette (256, 3) if given; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(palette.tobytes())
    image.save(path, compress_level=compress_level)


def save_jpeg(pixels: NDArray[np.uint8], path: Path) -> None:
    """Writes an image (H, W, 3); makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)


def save_depth(depth: NDArray[np.float32], path: Path, *, per_metre: int) -> None:
    """Writes a depth map (H, W) in metres as 16-bit PNG of ``per_metre`` units to the metre."""
    save_png(np.rint(depth * per_metre).astype(np.uint16), path)


def save_lines(lines: Iterable[str], path: Path) -> None:
    """Writes a list, a name or more on each line; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
