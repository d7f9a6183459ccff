"""Predictions for a few images, read from the galleries beside the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmark.benchmarks import Benchmark
from benchmark.errors import RecordError
from benchmark.records.gallery import gallery_path, read_gallery
from benchmark.report.page.classes import leading
from benchmark.report.page.depth_panels import draw_depths
from benchmark.report.page.label_panels import draw_labels
from benchmark.report.page.panels import Drawn, Panels
from benchmark.report.rows import Row, benchmarks_of

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
    with_gallery, notes = [], []
    for label, group in groupby(rows, key=lambda row: row.label):
        same_label = list(group)
        for name, benchmark in benchmarks_of(same_label).items():
            having = [row for row in same_label if name in row.scores and _file(row, name, runs).exists()]
            if having and benchmark.task.gallery is not None:
                with_gallery.append((label, benchmark, having))
    if len(with_gallery) > MOST_GALLERIES:
        more = len(with_gallery) - MOST_GALLERIES
        notes.append(f"{more} of {len(with_gallery)} galleries, those with the fewest models, are left out.")
        with_gallery = sorted(with_gallery, key=lambda each: -len(each[2]))[:MOST_GALLERIES]
    made = [_gallery(label, benchmark, having, runs, notes) for label, benchmark, having in with_gallery]
    return Galleries([each for each in made if each is not None], notes)


def _file(row: Row, benchmark: str, runs: Path) -> Path:
    """Returns the path of the gallery of a score's first seed, which may not exist."""
    return gallery_path(runs, row.scores[benchmark].records[0].id)


def _gallery(label: str, benchmark: Benchmark, rows: Sequence[Row], runs: Path, notes: list[str]) -> Gallery | None:
    name, wanted = benchmark.name, benchmark.task.gallery
    shown = leading(rows, benchmark, MOST_MODELS)
    panels: Panels = {}
    for row in shown:
        try:
            kind, shown_panels = read_gallery(_file(row, name, runs))
            if kind != wanted:
                raise RecordError(f"its gallery is of {kind}")
        except (OSError, RecordError) as error:
            notes.append(f"{row.model.name}, {name}: {error}")
        else:
            panels[_title(row, shown)] = {panel.name: panel for panel in shown_panels}
    if not panels:
        return None
    drawn = draw_depths(panels) if wanted == "depth" else draw_labels(benchmark.dataset, panels)
    return Gallery(label, name, drawn, len(rows) - len(shown))


def _title(row: Row, rows: Sequence[Row]) -> str:
    """Names a model, with its hash where names repeat."""
    name = row.model.name
    alone = sum(other.model.name == name for other in rows) == 1
    return name if alone else f"{name} ({row.model.checkpoint_sha256[:8]})"
