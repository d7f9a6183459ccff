"""Image files to pixels, the same for every task."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.decoding import is_turned, picture_problem, size_problem
from benchmark.errors import DataError


def read_image(path: Path | str) -> NDArray[np.uint8]:
    """Reads a picture as (H, W, 3) uint8 BGR, the channel order of OpenCV and mmsegmentation.

    Greyscale, palette and CMYK pictures become RGB, transparency is dropped, and of 16-bit colour the upper bytes are
    kept. The pixels come as they are stored: an EXIF orientation is not applied, because label and depth maps carry
    none and belong to the stored pixels.

    Raises:
        DataError: A file that cannot be decoded, is truncated (OpenCV would fill it with grey), or holds 16-bit or
            floating-point grey values, which no fixed rule makes a picture of (Pillow would clip them at 255).
    """
    try:
        with Image.open(path) as file:
            file.load()
            problem = picture_problem(file.mode)
            image = None if problem else file.convert("RGB")
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be read: {error}") from error
    if image is None:
        raise DataError(f"{path}: {problem}")
    return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)


def size_mismatch(
    what: str, path: Path | str, size: tuple[int, ...], image_path: Path | str, image_size: tuple[int, ...]
) -> DataError:
    """Returns the error for a label or depth map (``what``) of another (H, W) than its image."""
    with Image.open(image_path) as file:
        turned = is_turned(file)
    return DataError(f"{path}: {size_problem(what, size[1::-1], image_path, image_size[1::-1], turned=turned)}")
