"""What the values of a label map mean: which class each is, or that it is not scored. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

IGNORE_INDEX = 255
"""Label of pixels that are not scored, once a map is decoded."""

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

PaletteKind = Literal["grey", "voc", "any"]
"""Of the palettes of label maps: each index its own grey value, VOC's colours or those, or any, which tell nothing."""

_STRANGE = -1


@dataclass(frozen=True)
class LabelEncoding:
    """The values of 8-bit label maps, or the colours of maps that are pictures.

    >>> LabelEncoding.counted(150, first=1, ignored=(0, 255)).values[:2]
    (1, 2)
    """

    values: tuple[int, ...]
    """Value of each class, in the order of the classes; of maps in colours, their numbers."""

    ignored: frozenset[int] = frozenset((IGNORE_INDEX,))
    """Values that are not scored."""

    colours: tuple[Colour, ...] | None = None
    """Colour of each class where maps are RGB pictures, None where they hold values."""

    ignored_colours: tuple[Colour, ...] = ()
    """Colours that are not scored."""

    @classmethod
    def counted(cls, classes: int, *, first: int = 0, ignored: Sequence[int] = (IGNORE_INDEX,)) -> LabelEncoding:
        """Returns the encoding of classes that are numbered without gaps from ``first``."""
        return cls(tuple(range(first, first + classes)), frozenset(ignored))

    def decode(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Maps a stored label map to class ids from 0, `IGNORE_INDEX` where nothing is scored.

        Args:
            stored: (H, W) values, or (H, W, 3) RGB where the encoding has colours.

        Raises:
            ValueError: A value or colour that is neither a class nor ignored; the message names it.
        """
        if self.colours is not None:
            return self._from_colours(stored)
        labels = self._table[stored]
        if (labels == _STRANGE).any():
            strange = int(stored[labels == _STRANGE].min())
            raise ValueError(f"label {strange} is neither a class nor ignored; {self.described}")
        return labels.astype(np.uint8)

    @property
    def described(self) -> str:
        """Says which values there may be, for messages."""
        if self.colours is not None:
            return f"there are {len(self.colours)} colours of classes and {len(self.ignored_colours)} ignored ones"
        rising = list(range(self.values[0], self.values[0] + len(self.values)))
        span = f"{rising[0]} to {rising[-1]}" if list(self.values) == rising else ", ".join(map(str, self.values))
        unscored = ", ".join(map(str, sorted(self.ignored)))
        return f"classes are {span}" + (f", ignored are {unscored}" if unscored else "")

    @cached_property
    def _table(self) -> NDArray[np.int16]:
        table = np.full(256, _STRANGE, np.int16)
        table[list(self.values)] = np.arange(len(self.values))
        table[list(self.ignored)] = IGNORE_INDEX
        return table

    @cached_property
    def _codes(self) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Sorted codes of all colours, and the label of each."""
        known = [*(self.colours or ()), *self.ignored_colours]
        labels = [*range(len(self.colours or ())), *[IGNORE_INDEX] * len(self.ignored_colours)]
        codes = np.array(known, np.int64) @ _CHANNELS
        order = np.argsort(codes)
        return codes[order], np.array(labels, np.int16)[order]

    def _from_colours(self, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        codes, labels = self._codes
        found = stored.astype(np.int64) @ _CHANNELS
        places = np.searchsorted(codes, found).clip(max=len(codes) - 1)
        strange = codes[places] != found
        if strange.any():
            colour = stored[strange][0].tolist()
            raise ValueError(f"colour {colour} is neither a class nor ignored; {self.described}")
        return labels[places].astype(np.uint8)


_CHANNELS = np.array([1 << 16, 1 << 8, 1], np.int64)
"""Weights that make one number of a colour."""
