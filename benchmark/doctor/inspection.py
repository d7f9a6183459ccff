"""Reading one image and its label to the last byte, and saying what is wrong with them."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from benchmark.data.dataset import Dataset
from benchmark.data.decoding import HEADER, is_turned, picture_problem, size_problem
from benchmark.data.manifest import FileHash, Manifest
from benchmark.data.map_content import MapContent
from benchmark.data.split_files import Pair
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
class Inspection:
    """What reading a pair has shown."""

    problems: tuple[str, ...] = ()
    """What makes the pair unusable, each with the file's path."""

    remarks: tuple[str, ...] = ()
    """Kinds of unusual but readable images, such as "greyscale"."""

    size: tuple[int, int] | None = None
    """Width and height of the image's stored pixels."""

    content: MapContent = field(default_factory=MapContent)
    """What its map holds."""

    entries: tuple[FileHash, ...] = ()
    """Content hashes of the files that could be read."""


def inspect(pair: Pair, dataset: Dataset, manifest: Manifest) -> Inspection:
    """Reads, hashes and decodes an image and its label.

    Args:
        pair: The files.
        dataset: Says what the values of a map mean.
        manifest: Names files relative to the dataset's root.
    """
    problems: list[str] = []
    entries: list[FileHash] = []
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
        what = (dataset.map_name or "").removesuffix(" map")
        problem = size_problem(what, label.size, pair.image, image.size, turned=is_turned(image))
        found = replace(found, problems=(*found.problems, f"{pair.label}: {problem}"))
    unfit = dataset.map_problem(begins[-1])
    if unfit:
        return replace(found, problems=(*found.problems, f"{pair.label}: {unfit}"))
    try:
        return replace(found, content=dataset.read_map(label))
    except ValueError as error:
        return replace(found, problems=(*found.problems, f"{pair.label}: {error}"))


def _load(path: Path, manifest: Manifest) -> tuple[Image.Image, bytes, FileHash]:
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
