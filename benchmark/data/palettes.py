"""Palettes of label maps: the labels are the indices, and the colours tell whether somebody has renumbered them.

Programs that make PNG files smaller drop the colours that do not occur, sort the others and renumber the indices, also
of files that were grey. Such a file looks the same, and holds other labels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def voc_palette() -> NDArray[np.uint8]:
    """Returns VOC's colours (256, 3): each three bits of a label are the next lower bits of R, G and B.

    Source: ``VOCcode/VOClabelcolormap.m`` of the VOC2012 development kit.
    """
    labels = np.arange(256)[:, None]
    bits = [(labels >> (3 * step + np.arange(3)) & 1) << (7 - step) for step in range(8)]
    return np.sum(bits, axis=0).astype(np.uint8)


def palette_problem(image: Image.Image, *, voc_colours: bool) -> str | None:
    """Says why the indices of a label map are not its labels; None where nothing tells so.

    Args:
        image: The label map, decoded.
        voc_colours: Whether palettes have VOC's colours where they have any.
    """
    flat = image.getpalette() if image.mode == "P" else None
    if flat is None:
        return None
    colours = np.asarray(flat).reshape(-1, 3)
    meant = _labels_of(colours, voc_colours=voc_colours)
    wrong = np.flatnonzero((meant >= 0) & (meant != np.arange(len(meant))))
    if wrong.size:
        wrong = np.intersect1d(wrong, np.asarray(image))
    if not wrong.size:
        return None
    return (
        f"its palette was renumbered: index {wrong[0]} has the colour of label {meant[wrong[0]]}; fetch the official "
        "file again, programs that make PNG files smaller change labels"
    )


def _labels_of(colours: NDArray[np.integer], *, voc_colours: bool) -> NDArray[np.int64]:
    """Returns the label each colour (N, 3) stands for, -1 where it tells none.

    A palette of nothing but grey values is that of a file that was grey. Black tells nothing: it fills what is unused.
    """
    if (colours == colours[:, :1]).all():
        return np.where(colours[:, 0] > 0, colours[:, 0], -1)
    if not voc_colours:
        return np.full(len(colours), -1)
    codes, known = (np.asarray(each, np.int64) @ (1 << 16, 1 << 8, 1) for each in (colours, voc_palette()))
    order = np.argsort(known)
    nearest = order[np.searchsorted(known, codes, sorter=order).clip(max=len(known) - 1)]
    return np.where((known[nearest] == codes) & (codes > 0), nearest, -1)
