"""What is a picture, a label map and a depth map: one set of rules for readers and data doctor. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.layout import DepthEncoding

_EXIF_ORIENTATION = 0x0112


def picture_problem(mode: str) -> str | None:
    """Says why a file of this Pillow mode is no picture; None if it is one.

    16-bit and floating-point grey values have no fixed rule that makes a picture of them; Pillow would clip at 255.
    """
    if mode[0] in "IF":
        return f"pictures have 8 bits per channel, not {mode} grey values; is this a depth map?"
    return None


def label_map_problem(mode: str) -> str | None:
    """Says why a file of this Pillow mode is no label map; None if it is one."""
    if mode not in ("L", "P", "1"):
        return f"label maps are 8-bit grey or palette images, this one has mode {mode}"
    return None


def depth_map_problem(mode: str) -> str | None:
    """Says why a file of this Pillow mode is no depth map; None if it is one. 8 bits hold a picture of depths."""
    if not mode.startswith("I;16"):
        return f"depth maps are 16-bit grey images, this one has mode {mode}"
    return None


def is_turned(image: Image.Image) -> bool:
    """Tells whether a viewer would turn or mirror the picture; the suite does not, see `size_problem`."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1)) != 1
    except Exception:  # a damaged EXIF block is no reason to refuse the picture; readers ignore it as well
        return False


def size_problem(
    what: str, size: tuple[int, int], image_path: Path | str, image_size: tuple[int, int], *, turned: bool
) -> str:
    """Says that a label or depth map (``what``) of (width, height) is of another size than its image.

    An EXIF orientation is not applied to pictures, because label and depth maps carry none and belong to the stored
    pixels.
    """
    hint = "; the image's EXIF orientation is not applied, the maps must belong to its stored pixels" if turned else ""
    sizes = [f"{width}x{height}" for width, height in (size, image_size)]
    return f"the {what} map is {sizes[0]}, its image {image_path} is {sizes[1]}{hint}"


def decode_depth(values: NDArray[np.integer], encoding: DepthEncoding) -> NDArray[np.float32]:
    """Maps the 16-bit values of a depth map to float32 metres."""
    values = values.astype(np.uint16)
    if encoding.rotated_bits:
        values = values >> encoding.rotated_bits | values << 16 - encoding.rotated_bits
    depth = values.astype(np.float32) / np.float32(encoding.per_metre)
    return depth if encoding.cap is None else np.minimum(depth, np.float32(encoding.cap))
