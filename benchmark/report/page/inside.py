"""The figures of ``densebench analyze``, for the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.analysis.stored import SUMMARY, StoredFigure, stored_analyses
from benchmark.errors import RecordError
from benchmark.report.page.pictures import photo

_MOST = 3
_WIDTH = 1400  # pixels; on a screen of twice the density still sharp at the width of the page


@dataclass(frozen=True)
class InsideFigure:
    """One figure."""

    name: str
    caption: str
    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Inside:
    """One analysis."""

    title: str
    """The checkpoints, side by side."""

    folder: str
    """Folder of the figures and the table, relative to the results folder."""

    figures: tuple[InsideFigure, ...]


def make_inside(results: Path) -> tuple[list[Inside], list[str]]:
    """Embeds the figures of the newest analyses.

    Args:
        results: Folder that may hold ``analysis/``.

    Returns:
        The analyses, newest first, and a line on those that are not shown.

    Raises:
        RecordError: A folder that ``densebench analyze`` did not write, or another version of it, or a figure that is
            not there.
    """
    analyses = sorted(stored_analyses(results), key=lambda each: -(each.folder / SUMMARY).stat().st_mtime_ns)
    shown = analyses[:_MOST]
    notes = [f"{len(analyses) - _MOST} more are in {results.name}/analysis"] if len(analyses) > _MOST else []
    return [
        Inside(
            " · ".join(each.checkpoints),
            each.folder.relative_to(results).as_posix(),
            tuple(_embedded(figure) for figure in each.figures),
        )
        for each in shown
    ], notes


def _embedded(figure: StoredFigure) -> InsideFigure:
    try:
        with Image.open(figure.png) as file:
            image = file.convert("RGB")
    except OSError as error:
        raise RecordError(
            f"{figure.png} cannot be read; run `densebench analyze` again, or remove {figure.png.parent}"
        ) from error
    if image.width > _WIDTH:
        image = image.resize((_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS)
    return InsideFigure(figure.name, figure.caption, photo(np.asarray(image)), image.width, image.height)
