"""What the models make of a few images, read from the galleries beside their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmark.benchmarks import BENCHMARKS
from benchmark.errors import RecordError
from benchmark.records.gallery import gallery_path, read_gallery
from benchmark.report.page.classes import leading
from benchmark.report.page.depth_panels import draw_depths
from benchmark.report.page.label_panels import draw_labels
from benchmark.report.page.panels import Drawn, Panels
from benchmark.report.rows import Row

MOST_GALLERIES = 12
MOST_MODELS = 5


@dataclass(frozen=True)
class Gallery:
    """One benchmark under one protocol."""

    label: str
    benchmark: str
    drawn: Drawn
    left_out: int
    """Models with a gallery that are not shown."""


@dataclass(frozen=True)
class Galleries:
    """All galleries, and what cannot be shown."""

    shown: list[Gallery]
    notes: list[str]


def make_galleries(rows: Sequence[Row], runs: Path) -> Galleries:
    """Reads the galleries of the leaderboard's models.

    Args:
        rows: Rows of the leaderboard.
        runs: Folder of the records.
    """
    found, notes = [], []
    for label, group in groupby(rows, key=lambda row: row.label):
        own = list(group)
        for name in BENCHMARKS:
            having = [row for row in own if name in row.cells and _file(row, name, runs).exists()]
            if having:
                found.append((label, name, having))
    if len(found) > MOST_GALLERIES:
        notes.append(f"{len(found) - MOST_GALLERIES} of {len(found)} galleries are left out: those of fewest models.")
        found = sorted(found, key=lambda each: -len(each[2]))[:MOST_GALLERIES]
    made = [_gallery(label, name, having, runs, notes) for label, name, having in found]
    return Galleries([each for each in made if each is not None], notes)


def _file(row: Row, benchmark: str, runs: Path) -> Path:
    """Returns where the gallery of a cell's first seed would lie."""
    return gallery_path(runs, row.cells[benchmark].records[0].id)


def _gallery(label: str, name: str, rows: Sequence[Row], runs: Path, notes: list[str]) -> Gallery | None:
    shown = leading(rows, name, MOST_MODELS)
    wanted = "depth" if BENCHMARKS[name].metric == "rmse" else "labels"
    panels: Panels = {}
    for row in shown:
        try:
            kind, own = read_gallery(_file(row, name, runs))
            if kind != wanted:
                raise RecordError(f"its gallery is of {kind}")
        except (OSError, RecordError) as error:
            notes.append(f"{row.model.name}, {name}: {error}")
        else:
            panels[_title(row, shown)] = {panel.name: panel for panel in own}
    if not panels:
        return None
    drawn = draw_depths(panels) if wanted == "depth" else draw_labels(BENCHMARKS[name].dataset, panels)
    return Gallery(label, name, drawn, len(rows) - len(shown))


def _title(row: Row, rows: Sequence[Row]) -> str:
    """Names a model, with its hash where names repeat."""
    name = row.model.name
    alone = sum(other.model.name == name for other in rows) == 1
    return name if alone else f"{name} ({row.model.checkpoint_sha256[:8]})"
