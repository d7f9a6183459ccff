"""Reading one image and its label to the last byte, and saying what is wrong with them."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.data.catalog import ClassLabels, DepthLabels, Pair
from benchmark.data.decoding import (
    HEADER,
    decode_depth,
    depth_map_problem,
    is_turned,
    label_map_problem,
    picture_problem,
    size_problem,
)
from benchmark.data.manifest import Entry, Manifest
from benchmark.data.palettes import palette_problem
from benchmark.errors import DataError

_UNUSUAL_MODES = {
    "L": "greyscale",
    "LA": "greyscale with transparency",
    "1": "black and white",
    "P": "palette",
    "RGBA": "RGB with transparency",
    "CMYK": "CMYK",
}


@dataclass(frozen=True)
class DepthRange:
    """Metres of one depth map, over pixels that hold a measurement."""

    valid: float
    """Share of pixels with a measurement."""

    lowest: float
    median: float
    highest: float


@dataclass(frozen=True)
class Inspection:
    """What reading a pair has shown."""

    problems: tuple[str, ...] = ()
    """What makes the pair unusable, each with the file's path."""

    remarks: tuple[str, ...] = ()
    """Kinds of unusual but readable images, such as "greyscale"."""

    size: tuple[int, int] | None = None
    """Width and height of the image's stored pixels."""

    histogram: np.ndarray | None = None
    """(256,) int64 pixels of each label value."""

    depth: DepthRange | None = None

    without_depth: bool = False
    """Whether the depth map holds no measurement at all."""

    entries: tuple[Entry, ...] = ()
    """Content hashes of the files that could be read."""


def inspect(pair: Pair, labels: ClassLabels | DepthLabels | None, manifest: Manifest) -> Inspection:
    """Reads, hashes and decodes an image and its label.

    Args:
        pair: The files.
        labels: What values of the label mean; None where there is no label file.
        manifest: Names files relative to the dataset's root.
    """
    problems: list[str] = []
    entries: list[Entry] = []
    pictures: list[Image.Image | None] = []
    begins: list[bytes] = []
    for path in (pair.image, *([pair.label] if pair.label else [])):
        try:
            picture, begin, entry = _load(path, manifest)
        except DataError as error:
            problems.append(str(error))
            pictures.append(None)
        else:
            pictures.append(picture)
            begins.append(begin)
            entries.append(entry)
    image = pictures[0]
    found = Inspection(tuple(problems), entries=tuple(entries))
    if image is not None:
        found = replace(found, size=image.size, remarks=_remarks(image))
        problem = picture_problem(image.mode)
        if problem:
            found = replace(found, problems=(*found.problems, f"{pair.image}: {problem}"))
    label = pictures[1] if len(pictures) > 1 else None
    if label is None or pair.label is None:
        return found
    if image is not None and label.size != image.size:
        what = "depth" if isinstance(labels, DepthLabels) else "label"
        problem = size_problem(what, label.size, pair.image, image.size, turned=is_turned(image))
        found = replace(found, problems=(*found.problems, f"{pair.label}: {problem}"))
    unfit = (depth_map_problem if isinstance(labels, DepthLabels) else label_map_problem)(begins[-1])
    if unfit:
        return replace(found, problems=(*found.problems, f"{pair.label}: {unfit}"))
    if isinstance(labels, ClassLabels):
        return _inspect_classes(found, label, pair.label, labels)
    if isinstance(labels, DepthLabels):
        return _inspect_depth(found, label, labels)
    return found


def _load(path: Path, manifest: Manifest) -> tuple[Image.Image, bytes, Entry]:
    """Returns the decoded picture, its first bytes and its hash; raises DataError for a missing or damaged file."""
    entry = manifest.stat(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not content:
        raise DataError(f"{path} is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no damage
            picture = Image.open(io.BytesIO(content))
            picture.load()
    except Exception as error:  # decoders fail in many ways
        # Pillow names the buffer, which tells nobody anything.
        reason = "no known image format" if isinstance(error, Image.UnidentifiedImageError) else error
        raise DataError(f"{path} cannot be decoded: {reason}") from error
    return picture, content[:HEADER], replace(entry, sha256=hashlib.sha256(content).hexdigest())


def _remarks(image: Image.Image) -> tuple[str, ...]:
    remarks = [] if image.mode == "RGB" else [_UNUSUAL_MODES.get(image.mode, f"mode {image.mode}")]
    if is_turned(image):
        remarks.append("rotated by EXIF")
    return tuple(remarks)


def _inspect_classes(found: Inspection, label: Image.Image, path: Path, labels: ClassLabels) -> Inspection:
    problem = palette_problem(label, labels.colours)
    if problem:
        return replace(found, problems=(*found.problems, f"{path}: {problem}"))
    histogram = np.bincount(np.asarray(label, np.uint8).ravel(), minlength=256)
    known = set(range(labels.first, labels.first + labels.count)) | labels.ignored
    strange = [value for value in np.flatnonzero(histogram).tolist() if value not in known]
    if strange:
        last = labels.first + labels.count - 1
        ignored = ", ".join(map(str, sorted(labels.ignored)))
        problem = f"{path} holds the label {strange[0]}; known are {labels.first} to {last}, and {ignored} for ignored"
        found = replace(found, problems=(*found.problems, problem))
    return replace(found, histogram=histogram.astype(np.int64))


def _inspect_depth(found: Inspection, label: Image.Image, labels: DepthLabels) -> Inspection:
    raw = np.asarray(label)
    measured = raw[raw > 0]
    if measured.size == 0:
        return replace(found, without_depth=True)
    metres = decode_depth(measured, labels.encoding)
    lowest, highest = float(metres.min()), float(metres.max())
    return replace(found, depth=DepthRange(measured.size / raw.size, lowest, float(np.median(metres)), highest))
