"""Image files to pixels and pixels to the backbone's input, the same for every task."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmark.backbones.spec import Preprocessing
from benchmark.errors import DataError

_EXIF_ORIENTATION = 0x0112


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
            mode = file.mode
            file.load()
            image = None if mode[0] in "IF" else file.convert("RGB")
    except Exception as error:  # decoders fail in many ways
        raise DataError(f"{path} cannot be read: {error}") from error
    if image is None:
        raise DataError(f"{path}: pictures have 8 bits per channel, not {mode} grey values; is this a depth map?")
    return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)


def size_mismatch(
    what: str, path: Path | str, size: tuple[int, ...], image_path: Path | str, image_size: tuple[int, ...]
) -> DataError:
    """Returns the error for a label or depth map (``what``) of another (H, W) than its image."""
    with Image.open(image_path) as file:
        turned = file.getexif().get(_EXIF_ORIENTATION, 1) != 1
    hint = "; the image's EXIF orientation is not applied, the maps must belong to its stored pixels" if turned else ""
    sizes = [f"{width}x{height}" for height, width, *_ in (size, image_size)]
    return DataError(f"{path}: the {what} map is {sizes[0]}, its image {image_path} is {sizes[1]}{hint}")


def normalised(image: NDArray[np.generic], preprocessing: Preprocessing) -> Tensor:
    """Maps (H, W, 3) BGR of 0 to 255, integer or float, to (3, H, W) float32 RGB, normalised."""
    rgb = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return (rgb - mean) / std
