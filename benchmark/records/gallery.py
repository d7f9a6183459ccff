"""The gallery of a record, ``results/runs/<id>.gallery.zip``: a few images with labels and predictions.

It holds ordinary PNG and JPEG files, so that it can be looked at without DenseBench. No score is computed from it.
Imports no torch.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.errors import RecordError

Kind = Literal["labels", "depth"]
LONG_SIDE = 256
"""Pixels of the longer side of a panel."""

STEPS_PER_METRE = 256
"""Of depth maps, as KITTI stores them."""

_MANIFEST = "gallery.json"
_JPEG_QUALITY = 85
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same panels are the same bytes
_MOST_BYTES = 64 << 20  # of an unpacked file; a gallery of ours holds a few hundred kilobytes


@dataclass(frozen=True, eq=False)
class Panel:
    """One image, all maps of one size."""

    name: str
    """Name of the image in its dataset."""

    image: NDArray[np.uint8]
    """(H, W, 3) RGB."""

    target: NDArray[np.uint8] | NDArray[np.uint16]
    """(H, W): class numbers, 255 where none counts; or depth in 1 / ``STEPS_PER_METRE``, 0 where none counts."""

    prediction: NDArray[np.uint8] | NDArray[np.uint16]
    """(H, W) likewise."""


def gallery_path(runs: Path, identity: str) -> Path:
    """Returns the path of the gallery of a record, which may not exist."""
    return runs / f"{identity}.gallery.zip"


def make_panel(name: str, image: NDArray[np.uint8], target: NDArray, prediction: NDArray) -> Panel:
    """Shrinks an image and its maps to ``LONG_SIDE``; maps take the nearest pixel, so nothing is mixed.

    Args:
        name: Name of the image.
        image: (H, W, 3) uint8 RGB.
        target: (H', W') class numbers (uint8) or depth in steps (uint16), of the same shape but for the size.
        prediction: (H', W') likewise.
    """
    scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return Panel(name, small, _nearest(target, size), _nearest(prediction, size))


def pack(panels: list[Panel], kind: Kind) -> bytes:
    """Writes panels into the bytes of a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        manifest = {"kind": kind, "images": [panel.name for panel in panels]}
        archive.writestr(zipfile.ZipInfo(_MANIFEST, _FIXED_TIME), json.dumps(manifest, indent=1))
        for number, panel in enumerate(panels):
            for what, pixels in (("image", panel.image), ("target", panel.target), ("prediction", panel.prediction)):
                archive.writestr(zipfile.ZipInfo(_file(number, what), _FIXED_TIME), _encoded(pixels))
    return buffer.getvalue()


def read_gallery(path: Path) -> tuple[Kind, list[Panel]]:
    """Reads a gallery.

    Raises:
        FileNotFoundError: The file does not exist.
        RecordError: It is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise RecordError(f"{path.name}: not a gallery, it is too large")
            manifest = json.loads(archive.read(_MANIFEST))
            kind = manifest["kind"]
            if kind not in {"labels", "depth"}:
                raise RecordError(f"{path.name}: a gallery of {kind!r}")
            return kind, [_panel(archive, number, str(name)) for number, name in enumerate(manifest["images"])]
    except (FileNotFoundError, RecordError):
        raise
    except Exception as error:  # a damaged archive or picture fails in many ways
        raise RecordError(f"{path.name}: not a gallery ({type(error).__name__}: {error})") from error


def _panel(archive: zipfile.ZipFile, number: int, name: str) -> Panel:
    image, target, prediction = (
        np.asarray(Image.open(io.BytesIO(archive.read(_file(number, what)))))
        for what in ("image", "target", "prediction")
    )
    if image.ndim != 3 or target.shape != image.shape[:2] or prediction.shape != image.shape[:2]:
        raise ValueError(f"panel {number} has maps of another size than its image")
    return Panel(name, image, target, prediction)


def _file(number: int, what: str) -> str:
    return f"{number}.{what}.{'jpg' if what == 'image' else 'png'}"


def _encoded(pixels: NDArray) -> bytes:
    buffer = io.BytesIO()
    if pixels.ndim == 3:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    else:
        Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _nearest(pixels: NDArray, size: tuple[int, int]) -> NDArray:
    """Takes the pixel at the centre of each target pixel; Pillow does not resize 16 bits."""
    columns, rows = (
        np.minimum(((np.arange(count) + 0.5) * length / count).astype(np.intp), length - 1)
        for count, length in zip(size, (pixels.shape[1], pixels.shape[0]), strict=True)
    )
    return pixels[rows[:, None], columns]
