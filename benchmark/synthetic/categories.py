"""The categories of the scenes: the renderer's own labels. Each writer in ``datasets/`` maps them to its dataset's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Category:
    """What surfaces of a category tend to look like."""

    name: str
    hue: float
    """Preferred hue in [0, 1); single surfaces scatter widely around it."""

    texture: str
    """Preferred texture."""

    muted: bool = False
    """Whether colours are weak, as large surfaces have them."""


CATEGORIES = (
    Category("other", 0.15, "plain", muted=True),  # the ceiling
    Category("wall", 0.12, "plain", muted=True),
    Category("floor", 0.08, "checker", muted=True),
    Category("painting", 0.75, "noise"),
    Category("rug", 0.95, "stripes"),
    Category("ball", 0.00, "checker"),
    Category("box", 0.10, "noise"),
    Category("barrel", 0.60, "stripes"),
    Category("tent", 0.35, "spots"),
)
INDEX = {category.name: index for index, category in enumerate(CATEGORIES)}
"""Label of each category in a rendered map."""


def label_table(labels: Mapping[str, int]) -> NDArray[np.uint8]:
    """Returns a dataset's labels (len(CATEGORIES),), to be indexed by a rendered map, from its labels by name."""
    return np.array([labels[category.name] for category in CATEGORIES], np.uint8)
