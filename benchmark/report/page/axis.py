"""Axes of plots: ranges, round ticks, positions in percent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis."""

    low: float
    high: float
    logarithmic: bool = False
    reversed: bool = False
    """Whether large values are on the left or below."""

    @classmethod
    def around(cls, values: Iterable[float], *, logarithmic: bool = False, reversed: bool = False) -> Axis:
        """Spans some values with a margin; a single one gets room on both sides."""
        points = list(values)
        if logarithmic:
            ends = [math.log(value) for value in points]
            margin = 0.08 * (max(ends) - min(ends)) or 0.5
            return cls(math.exp(min(ends) - margin), math.exp(max(ends) + margin), True, reversed)
        low, high = min(points), max(points)
        margin = 0.08 * (high - low) or abs(high) * 0.1 or 1.0
        return cls(low - margin, high + margin, False, reversed)

    def place(self, value: float) -> float:
        """Returns the position of a value, 0 to 100."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(at)
        share = (at - low) / (high - low)
        return round(100 * (1 - share if self.reversed else share), 3)

    def ticks(self, most: int = 5) -> list[float]:
        """Returns at most ``most`` round numbers within the axis."""
        if self.logarithmic:
            exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for digits in ((1, 2, 5), (1, 3), (1,)):
                ticks = [digit * 10.0**exponent for exponent in exponents for digit in digits]
                ticks = [value for value in ticks if self.low <= value <= self.high]
                if 2 <= len(ticks) <= most:
                    return ticks
        return _linear_ticks(self.low, self.high, most)


def short(value: float) -> str:
    """Writes a tick: no more digits than it needs, a true minus sign, thousands with k."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k".replace("-", "\N{MINUS SIGN}")
    text = f"{round(value, 10):g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    magnitude = 10.0 ** math.floor(math.log10((high - low) / most))
    ticks: list[float] = []
    for factor in (1, 2, 5, 10, 20):
        step = factor * magnitude
        numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
        ticks = [round(number * step, 12) for number in numbers]
        if len(ticks) <= most:
            break
    return ticks
