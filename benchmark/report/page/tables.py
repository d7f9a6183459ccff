"""Ablation tables and published figures, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.benchmarks import BENCHMARKS
from benchmark.configs import CONFIGS
from benchmark.report.patch_tokens import tokens_text
from benchmark.report.published import Figure, Published, lay_beside
from benchmark.report.rows import Row
from benchmark.report.statistics.estimates import Estimates
from benchmark.report.tables.ablation import Ablation, make_ablation
from benchmark.report.tables.ablation_config import read_ablation
from benchmark.report.tables.ablation_grid import ablation_grid
from benchmark.report.tables.grid import Grid

_ENOUGH = 2  # rows that make a table worth opening


@dataclass(frozen=True)
class AblationView:
    """One table."""

    name: str
    grid: Grid
    """Without the lines of what is missing."""

    filled: int
    """Rows that a checkpoint fills."""

    rows: int
    missing: list[str]

    @property
    def worth_opening(self) -> bool:
        """Whether there is something to compare."""
        return self.filled >= _ENOUGH


@dataclass(frozen=True)
class FigureLine:
    """A score measured here, or a published one."""

    model: str
    text: str
    value: float
    tokens: str
    """Patch tokens per image; empty where they are not known."""

    source: str
    """Empty for a score measured here."""

    run: str
    """Anchor of the record, empty for a published score."""


@dataclass(frozen=True)
class FigureTable:
    """Measured and published scores under one protocol, best first."""

    label: str
    benchmark: str
    column: str
    lines: list[FigureLine]
    why: list[str]
    """How it is known that the protocols agree."""


def make_ablations(rows: Sequence[Row], estimates: Estimates, figures: Sequence[Figure]) -> list[AblationView]:
    """Fills the tables of ``configs/ablations/``, the fullest first."""
    views = []
    for path in sorted((CONFIGS / "ablations").glob("*.py")):
        name, config = read_ablation(path.stem)
        table = make_ablation(config, rows, estimates)
        grid = ablation_grid(replace(table, missing=[]), figures)
        filled = _filled(table)
        total = sum(len(group.rows) for group in table.groups)
        views.append(AblationView(name, grid, filled, total, table.missing))
    return sorted(views, key=lambda view: -view.filled)


def _filled(table: Ablation) -> int:
    return sum(row.row is not None for group in table.groups for row in group.rows)


def make_published(
    rows: Sequence[Row], figures: Sequence[Figure], anchors: Mapping[str, str]
) -> tuple[list[FigureTable], list[str]]:
    """Compares published figures with measured scores where protocols agree; the lines give the reasons elsewhere."""
    measured = {name for row in rows for name in row.scores}
    laid = lay_beside([figure for figure in figures if figure.benchmark in measured], rows)
    tables = []
    for label, name in dict.fromkeys((each.label, each.benchmark) for each in laid.beside):
        known, metric = BENCHMARKS[name], BENCHMARKS[name].metric
        beside = [each for each in laid.beside if (each.label, each.benchmark) == (label, name)]
        lines = [_line(each) for each in beside]
        for row in rows:
            if row.label == label and name in row.scores:
                score = row.scores[name]
                run = anchors[score.records[0].id]
                text = metric.text(score.value)
                lines.append(FigureLine(row.model.name, text, score.value, tokens_text(score.records), "", run))
        lines.sort(key=lambda line: line.value, reverse=metric.higher_is_better)
        tables.append(FigureTable(label, name, known.column, lines, list(dict.fromkeys(each.why for each in beside))))
    return tables, laid.differing


def _line(figure: Published) -> FigureLine:
    text = BENCHMARKS[figure.benchmark].metric.text(figure.value)
    tokens = "" if figure.tokens is None else f"{figure.tokens:,}"
    return FigureLine(figure.model, text, figure.value, tokens, f"{figure.source} ({figure.trust})", "")
