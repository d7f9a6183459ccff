"""What is a label map and what a depth map, by the content of the file and not by its name."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.decoding import HEADER, depth_map_problem, label_map_problem, refuse_unfit
from benchmark.data.label_encoding import LabelEncoding
from benchmark.data.segmentation import read_label_map
from benchmark.errors import DataError

AS_STORED = LabelEncoding.counted(255)
LABELS = np.random.default_rng(0).integers(0, 16, (6, 8), np.uint8)
DEPTHS = LABELS.astype(np.uint16) * 500


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _grey_png(values: np.ndarray, bits: int) -> bytes:
    """Writes a grey PNG of few bits by the letter of the specification; Pillow writes none."""
    packed = np.unpackbits(values[..., None], axis=2)[..., -bits:].reshape(len(values), -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in packed)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _palette(values: np.ndarray, colours: int = 256) -> Image.Image:
    image = Image.fromarray(values)
    image.putpalette(np.random.default_rng(1).integers(0, 256, 3 * colours).tolist())
    return image


@pytest.mark.parametrize(
    "content",
    [
        _encoded(Image.fromarray(LABELS), "PNG"),
        _encoded(_palette(LABELS), "PNG"),
        _encoded(_palette(LABELS, colours=16), "PNG"),
        _encoded(_palette(LABELS), "PNG", transparency=0),
    ],
    ids=["grey", "palette", "palette of 4 bits", "palette with transparency"],
)
def test_label_maps_are_read_as_they_are_stored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.png").write_bytes(content)
    np.testing.assert_array_equal(read_label_map(tmp_path / "labels.png", AS_STORED), LABELS)


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1)])
@pytest.mark.parametrize("make", [Image.fromarray, _palette])
def test_a_label_map_of_one_row_or_column_keeps_its_shape(
    tmp_path: Path, shape: tuple[int, int], make: Callable[..., Image.Image]
) -> None:
    labels = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    make(labels).save(tmp_path / "labels.png")
    np.testing.assert_array_equal(read_label_map(tmp_path / "labels.png", AS_STORED), labels)


OTHERS = [
    (_encoded(Image.fromarray(LABELS), "JPEG"), "is a JPEG"),
    (_encoded(Image.fromarray(LABELS), "JPEG2000"), "is a JPEG 2000"),
    (_encoded(Image.fromarray(LABELS), "WEBP"), "is a WebP"),
    (_encoded(Image.fromarray(LABELS), "WEBP", lossless=True), "is a WebP"),
    (_encoded(Image.fromarray(LABELS), "GIF"), "is a GIF"),
    (_encoded(Image.fromarray(LABELS), "TIFF"), "is a TIFF"),
    (_encoded(Image.fromarray(LABELS), "BMP"), "is a BMP"),
    (b"\0\0\0\x20ftypavif" + bytes(20), "is an AVIF or HEIC"),
    (b"<html>no such file</html>", "begins with b'<html>no suc'"),
    (b"", "is empty"),
    (_encoded(Image.fromarray(LABELS), "PNG")[:20], "begins with b'.x89PNG"),
]


@pytest.mark.parametrize(("content", "kind"), OTHERS, ids=[kind for _, kind in OTHERS])
@pytest.mark.parametrize("problem_of", [label_map_problem, depth_map_problem])
def test_no_other_encoding_holds_labels_or_depths_whatever_the_file_is_called(
    tmp_path: Path, content: bytes, kind: str, problem_of: Callable[[bytes], str | None]
) -> None:
    (tmp_path / "map.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"map\.png: .* maps are PNG files, this one {kind}.*; .* fetch the official"):
        refuse_unfit(tmp_path / "map.png", problem_of)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(DEPTHS), "16-bit grey"),
        (Image.fromarray(LABELS).convert("RGB"), "8-bit RGB"),
        (Image.fromarray(LABELS).convert("RGBA"), "8-bit RGB with transparency"),
        (Image.fromarray(LABELS).convert("LA"), "8-bit grey with transparency"),
    ],
)
def test_label_maps_have_one_channel_of_8_bits(image: Image.Image, kind: str) -> None:
    assert f"this one is {kind};" in label_map_problem(_encoded(image, "PNG")[:HEADER])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_values_of_few_bits_are_no_labels_for_decoders_scale_them_up(bits: int) -> None:
    labels = LABELS % 2**bits
    content = _grey_png(labels, bits)
    with Image.open(io.BytesIO(content)) as file:
        read = np.asarray(file.convert("L"))
    np.testing.assert_array_equal(read, labels.astype(int) * 255 // (2**bits - 1))  # so nobody could tell
    assert f"this one is {bits}-bit grey whose values decoders scale up;" in label_map_problem(content[:HEADER])


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(LABELS), "8-bit grey"),
        (_palette(LABELS), "8-bit palette"),
        (Image.fromarray(LABELS).convert("RGB"), "8-bit RGB"),
    ],
)
def test_depth_maps_have_one_channel_of_16_bits(image: Image.Image, kind: str) -> None:
    assert f"this one is {kind};" in depth_map_problem(_encoded(image, "PNG")[:HEADER])
    assert depth_map_problem(_encoded(Image.fromarray(DEPTHS), "PNG")[:HEADER]) is None


def test_a_map_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        refuse_unfit(tmp_path / "map.png", label_map_problem)
