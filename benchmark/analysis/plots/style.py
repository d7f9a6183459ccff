"""The style of all figures: palette, fonts, lines and legends."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Okabe & Ito, "Color Universal Design" (2008), without its yellow, which is too light for lines on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, FAINT = "#333333", "#B8B8B8"
WIDTH = 7.0
"""Inches; a page's column, so that fonts are printed at their own size."""

_CHARACTER = 0.072  # inches, mean width in a title
_HANDLE = 0.5  # inches of a legend's line and the gap after its label

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "savefig.dpi": 200,
    "svg.hashsalt": "densebench",  # the same figure is the same file
}


@contextmanager
def style() -> Iterator[None]:
    """Applies the style to the figures that are drawn and saved within this context."""
    with matplotlib.rc_context(_RC):
        yield


def new_figure(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[list[Axes]]]:
    """Makes a figure ``WIDTH`` wide and ``height`` inches high with a grid of axes, row by row."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [list(row) for row in grid]


def colours(names: Iterable[str]) -> dict[str, str]:
    """Returns the colour of each checkpoint, the same in every figure."""
    return dict(zip(names, PALETTE, strict=False))


def plain_log(axis: Axis) -> None:
    """Labels a logarithmic axis 1, 2, 5, 10, 20 and so on, written out."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def zero_line(axes: Axes) -> None:
    """Marks a cosine of 0."""
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)


def legend(figure: Figure, names: Iterable[str], others: Iterable[Line2D] = ()) -> None:
    """Adds a legend of the checkpoints' names and of ``others`` above the axes."""
    handles = [Line2D([], [], color=colour, label=name) for name, colour in colours(names).items()]
    handles += list(others)
    longest = max(len(handle.get_label()) for handle in handles)
    fitting = int(WIDTH / (_CHARACTER * longest + _HANDLE))
    figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), max(fitting, 1)))


def wrapped(text: str, width: float) -> str:
    """Breaks a title into lines that fit ``width`` inches; names of files have few spaces, so words are broken too."""
    return textwrap.fill(text, max(int(width / _CHARACTER), 1))
