"""Where the windows of sliding-window inference lie."""

from __future__ import annotations


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """Returns where windows begin on an axis; the last is pushed back inside.

    Args:
        length: Pixels of the axis.
        window: Side of a window, pixels.
        stride: Distance between windows, pixels.

    >>> window_starts(683, 512, 341)
    [0, 171]
    """
    count = max(length - window + stride - 1, 0) // stride + 1
    return [max(min(index * stride, length - window), 0) for index in range(count)]
