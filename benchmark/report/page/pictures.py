"""Pictures inside the page, as data URIs."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.report.page.colours import NOT_COUNTED, Colour

_QUALITY = 80


def photo(pixels: NDArray[np.uint8]) -> str:
    """Embeds (H, W, 3) bytes as WebP."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=_QUALITY)
    return _uri("webp", buffer)


def indexed(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> str:
    """Embeds indices (H, W) into colours (n, 3) as PNG: flat maps take a few kilobytes."""
    image = Image.fromarray(indices).convert("P")
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return _uri("png", buffer)


def class_map(classes: NDArray[np.uint8], colours: dict[int, Colour], ignored: int = 255) -> str:
    """Embeds class numbers (H, W) with a colour for each."""
    numbers = [*colours, ignored]
    place = np.zeros(256, dtype=np.uint8)
    place[numbers] = np.arange(len(numbers), dtype=np.uint8)
    return indexed(place[classes], np.array([*colours.values(), NOT_COUNTED], dtype=np.uint8))


def shaded(
    values: NDArray[np.float64], counted: NDArray[np.bool_], ends: tuple[float, float], palette: NDArray[np.uint8]
) -> str:
    """Embeds numbers (H, W) between two ends in the colours of a palette whose last one is for what does not count."""
    low, high = ends
    share = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    return indexed(np.where(counted, np.round(254 * share), 255).astype(np.uint8), palette)


def _uri(kind: str, buffer: io.BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
