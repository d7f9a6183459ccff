"""What is a picture, a label map and a depth map: one set of rules for readers and data doctor. No torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmark.errors import DataError

HEADER = 26
"""Bytes of a file that tell whether it can be a map: those of a PNG up to its colour type."""

_EXIF_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE = 0, 2, 3
_COLOURS = {_GREY: "grey", _RGB: "RGB", _PALETTE: "palette", 4: "grey with transparency", 6: "RGB with transparency"}
_OTHER_KINDS: dict[str, tuple[tuple[int, bytes], ...]] = {
    "a JPEG": ((0, b"\xff\xd8\xff"),),
    "a JPEG 2000": ((0, b"\0\0\0\x0cjP  "), (0, b"\xff\x4f\xff\x51")),
    "a JPEG XL": ((0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL ")),
    "a WebP": ((8, b"WEBP"),),
    "an AVIF or HEIC": ((4, b"ftyp"),),
    "a GIF": ((0, b"GIF8"),),
    "a TIFF": ((0, b"II*\0"), (0, b"MM\0*")),
    "a BMP": ((0, b"BM"),),
}
FETCH = "fetch the official file again"
"""How to mend a map of a dataset that ships."""


def picture_problem(mode: str) -> str | None:
    """Says why a file of this Pillow mode is not a picture; None if it is one.

    16-bit and floating-point grey values have no fixed rule that makes a picture of them; Pillow would clip at 255.
    """
    if mode[0] in "IF":
        return f"pictures have 8 bits per channel, not {mode} grey values; is this a depth map?"
    return None


def label_map_problem(begin: bytes, *, coloured: bool = False, mend: str = FETCH) -> str | None:
    """Says why a file that begins with these bytes is not a label map; None if it is one.

    A label is a number that any loss in the encoding makes another class, so that the kind of file is told by its
    content, never by its name. PNG keeps numbers; of its kinds, decoders scale grey values of less than 8 bits up to
    the range of 8 (PNG specification, 13.12), which makes other labels of them, and a palette's are left as they are.

    Args:
        begin: `HEADER` bytes, fewer where the file is shorter.
        coloured: Whether the dataset's labels are colours rather than values.
        mend: What is to be done about it.
    """
    depth, colour = _png_kind(begin)
    if depth is None:
        return f"label maps are PNG files, this one {_kind_of_file(begin)}; other encodings change labels, {mend}"
    if colour == _PALETTE or (depth == 8 and colour == (_RGB if coloured else _GREY)):
        return None
    kind = f"{depth}-bit {_COLOURS.get(colour, 'unknown')}"
    if coloured:
        return f"with a palette, label maps are 8-bit RGB or palette PNG files, this one is {kind}; {mend}"
    why = " whose values decoders scale up" if colour == _GREY and depth < 8 else ""
    return f"label maps are 8-bit grey or palette PNG files, this one is {kind}{why}; {mend}"


def depth_map_problem(begin: bytes, *, mend: str = FETCH) -> str | None:
    """Says why a file that begins with these bytes is not a depth map; None if it is one.

    8 bits hold a picture of depths.

    Args:
        begin: `HEADER` bytes, fewer where the file is shorter.
        mend: What is to be done about it.
    """
    depth, colour = _png_kind(begin)
    if depth is None:
        return f"depth maps are PNG files, this one {_kind_of_file(begin)}; other encodings change depths, {mend}"
    if (depth, colour) == (16, _GREY):
        return None
    return f"depth maps are 16-bit grey PNG files, this one is {depth}-bit {_COLOURS.get(colour, 'unknown')}; {mend}"


def refuse_unfit(path: Path | str, problem_of: Callable[[bytes], str | None]) -> None:
    """Looks at the first bytes of a map.

    Args:
        path: The file.
        problem_of: `label_map_problem` or `depth_map_problem`.

    Raises:
        DataError: It cannot be read, or is not such a map.
    """
    try:
        with Path(path).open("rb") as file:
            problem = problem_of(file.read(HEADER))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if problem:
        raise DataError(f"{path}: {problem}")


def _png_kind(begin: bytes) -> tuple[int | None, int]:
    """Returns bits per channel and colour type of a PNG file (its chunk IHDR); None and 0 for any other file."""
    if begin[:8] != _PNG or begin[12:16] != b"IHDR" or len(begin) < HEADER:
        return None, 0
    return begin[24], begin[25]


def _kind_of_file(begin: bytes) -> str:
    for kind, marks in _OTHER_KINDS.items():
        if any(begin[offset : offset + len(mark)] == mark for offset, mark in marks):
            return f"is {kind}"
    return f"begins with {begin[:12]!r}" if begin else "is empty"


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


def unit_problem(median: float, usual: tuple[float, float]) -> str | None:
    """Says that depth maps whose medians have this median, metres, are in another unit; None if it is a usual one."""
    low, high = usual
    if low <= median <= high:
        return None
    return (
        f"the median depth is {median:.3g} m, expected {low:g} to {high:g} m: the depth maps are in another unit than "
        "the official ones"
    )
