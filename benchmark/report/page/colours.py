"""Colours of maps: classes that colour-blind readers can tell apart as long as there are few, depth, errors."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

NOT_COUNTED: Colour = (150, 150, 150)
RIGHT: Colour = (214, 224, 229)
WRONG: Colour = (170, 20, 60)

# Okabe & Ito, then Tol's muted scheme: distinguishable with every common colour blindness.
_DISTINCT = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#332288"),
    *("#882255", "#117733", "#ddcc77", "#aa4499", "#44aa99", "#999933"),
)
_GOLDEN = 0.618034

# Every 32nd colour of viridis (van der Walt & Smith, CC0) and of ColorBrewer's OrRd.
_VIRIDIS = ("#440154", "#46337e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725")
_HEAT = ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59", "#ef6548", "#d7301f", "#990000")


def class_colours(classes: list[int]) -> dict[int, Colour]:
    """Gives each class a colour; the first ones get the most distinct."""
    return {number: _class_colour(place) for place, number in enumerate(classes)}


def depth_palette() -> NDArray[np.uint8]:
    """Returns (256, 3): near is dark, 255 means that nothing counts."""
    return _palette(_VIRIDIS)


def error_palette() -> NDArray[np.uint8]:
    """Returns (256, 3): no error is pale, 255 means that nothing counts."""
    return _palette(_HEAT)


def gradient(palette: NDArray[np.uint8]) -> str:
    """Writes a palette as a CSS gradient."""
    stops = [palette[place] for place in range(0, 255, 36)]
    return f"linear-gradient(90deg, {', '.join(css(tuple(stop.tolist())) for stop in stops)})"


def css(colour: Colour) -> str:
    """Writes a colour as CSS does."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _class_colour(place: int) -> Colour:
    if place < len(_DISTINCT):
        return _rgb(_DISTINCT[place])
    hue, lightness = place * _GOLDEN % 1, (0.35, 0.5, 0.65)[place % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.6)
    return round(255 * red), round(255 * green), round(255 * blue)


def _palette(anchors: tuple[str, ...]) -> NDArray[np.uint8]:
    stops = np.array([_rgb(anchor) for anchor in anchors], dtype=np.float64)
    places = np.linspace(0, 254, len(stops))
    channels = [np.interp(np.arange(255), places, stops[:, channel]) for channel in range(3)]
    return np.vstack([np.stack(channels, axis=1).round(), NOT_COUNTED]).astype(np.uint8)


def _rgb(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
