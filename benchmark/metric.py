"""Primary metrics: what a score is called, how it is written, and which direction is better. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """The number that a benchmark is about.

    >>> MIOU.text(41.8)
    '41.80'
    >>> RMSE.signed(-0.0312)
    '-0.031'
    """

    name: str
    """Name in records and columns."""

    title: str
    """Name as a person writes it."""

    unit: str
    """Unit of its values."""

    decimals: int
    """Digits after the point that tables print."""

    higher_is_better: bool
    """Its direction."""

    explanation: str
    """What it measures and what a perfect score is, for a reader who does not know it."""

    @property
    def arrow(self) -> str:
        """Points where better is."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Says where better is, in a word."""
        return "higher" if self.higher_is_better else "lower"

    @property
    def sign(self) -> int:
        """1, or -1 where less is better: values times it rise with quality."""
        return 1 if self.higher_is_better else -1

    @property
    def half_digit(self) -> float:
        """Half a unit of the last digit that is printed: values that are closer look the same."""
        return 0.5 * 10**-self.decimals

    def text(self, value: float) -> str:
        """Writes a value with the decimals of this metric, without its unit."""
        return f"{value:.{self.decimals}f}"

    def with_unit(self, value: float) -> str:
        """Writes a value and its unit."""
        return f"{self.text(value)} {self.unit}"

    def signed(self, value: float) -> str:
        """Writes a difference with its sign."""
        text = self.text(value)
        return text if text.startswith("-") else f"+{text}"


MIOU = Metric(
    name="miou",
    title="mIoU",
    unit="%",
    decimals=2,
    higher_is_better=True,
    explanation="overlap of predicted and true areas, averaged over classes; 100 is perfect",
)
RMSE = Metric(
    name="rmse",
    title="RMSE",
    unit="m",
    decimals=3,
    higher_is_better=False,
    explanation="root mean squared error, averaged over images; 0 is perfect",
)
TOP1 = Metric(
    name="top1",
    title="top-1",
    unit="%",
    decimals=2,
    higher_is_better=True,
    explanation="share of images whose class is right; 100 is perfect",
)
