"""What the values of a depth map mean. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DepthEncoding:
    """How a 16-bit value of a depth map becomes metres; 0 means no measurement.

    >>> DepthEncoding(per_metre=1000).decode(np.array([0, 1500], np.uint16)).tolist()
    [0.0, 1.5]
    """

    per_metre: float
    """Units per metre."""

    rotated_bits: int = 0
    """The 16 bits are rotated right by this many places first, which undoes a rotation to the left."""

    cap: float | None = None
    """Metres; greater depths become this."""

    def decode(self, values: NDArray[np.integer]) -> NDArray[np.float32]:
        """Maps stored values, of any shape, to float32 metres."""
        values = values.astype(np.uint16)
        if self.rotated_bits:
            values = values >> self.rotated_bits | values << 16 - self.rotated_bits
        depth = values.astype(np.float32) / np.float32(self.per_metre)
        return depth if self.cap is None else np.minimum(depth, np.float32(self.cap))
