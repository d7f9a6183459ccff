"""Palettes of label maps: the labels are the indices, and the colours tell whether somebody has renumbered them.

Programs that make PNG files smaller drop the colours that do not occur, sort the others and renumber the indices, also
of files that were grey. Such a file looks the same, and holds other labels. Where the colours are known it is told;
under colours that are not the dataset's nothing tells it, so that these are refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.label_encoding import PaletteKind

_UNKNOWN = -1


def voc_palette() -> NDArray[np.uint8]:
    """Returns VOC's colours (256, 3): each three bits of a label are the next lower bits of R, G and B.

    Source: ``VOCcode/VOClabelcolormap.m`` of the VOC2012 development kit.
    """
    labels = np.arange(256)[:, None]
    bits = [(labels >> (3 * step + np.arange(3)) & 1) << (7 - step) for step in range(8)]
    return np.sum(bits, axis=0).astype(np.uint8)


def palette_problem(image: Image.Image, colours: PaletteKind) -> str | None:
    """Says why the indices of a label map are not its labels, or may not be; None where they are.

    Grey values count as labels whatever the dataset's colours. Black tells nothing: it fills what is unused.

    Args:
        image: The label map, decoded.
        colours: Those of the dataset; with "any", nothing but grey values is held against a file.
    """
    flat = image.getpalette() if image.mode == "P" else None
    if flat is None:
        return None
    palette = np.asarray(flat).reshape(-1, 3)
    meant, indices = _labels_of(palette, colours), np.arange(len(palette))
    wrong = np.flatnonzero((meant != indices) & palette.any(1))
    if wrong.size:
        wrong = np.intersect1d(wrong, np.asarray(image))
    if not wrong.size:
        return None
    index = wrong[0]
    if meant[index] == _UNKNOWN:
        return (
            f"its palette has colours of its own ({tuple(palette[index].tolist())} at index {index}), so nothing tells "
            f"whether its indices are the labels; fetch the official file again, or save the indices as grey values if "
            "they are"
        )
    return (
        f"its palette was renumbered: index {index} has the colour of label {meant[index]}; fetch the official "
        "file again, programs that make PNG files smaller change labels"
    )


def _labels_of(palette: NDArray[np.integer], colours: PaletteKind) -> NDArray[np.int64]:
    """Returns the label each colour (N, 3) of a palette stands for.

    A palette of nothing but grey values is that of a file that was grey.
    """
    if (palette == palette[:, :1]).all():
        return palette[:, 0].astype(np.int64)
    if colours == "any":
        return np.arange(len(palette))
    if colours == "grey":
        return np.full(len(palette), _UNKNOWN)
    codes, known = (np.asarray(each, np.int64) @ (1 << 16, 1 << 8, 1) for each in (palette, voc_palette()))
    order = np.argsort(known)
    nearest = order[np.searchsorted(known, codes, sorter=order).clip(max=len(known) - 1)]
    return np.where(known[nearest] == codes, nearest, _UNKNOWN)
