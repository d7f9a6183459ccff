"""Figures to files: the same figure gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.atomic import atomic_write

_OMITTED_METADATA = {".png": "Software", ".svg": "Date"}
"""What matplotlib would write into a file of each format that differs between versions or days."""


def save_figure(figure: Figure, path: Path, suffixes: Sequence[str]) -> None:
    """Writes ``path`` with each suffix added, ``.png`` or ``.svg``."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # else the layout would be computed again for each file
    for suffix in suffixes:
        with atomic_write(path.with_name(path.name + suffix)) as file:
            figure.savefig(file, format=suffix[1:], metadata={_OMITTED_METADATA[suffix]: None})
