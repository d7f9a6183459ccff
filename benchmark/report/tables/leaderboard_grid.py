"""The leaderboard as a person reads it: the columns that hold something, one section per protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from benchmark.benchmarks import Average, averages
from benchmark.metric import Metric
from benchmark.records.schema import Record
from benchmark.report.flags import PIXEL_BASELINE
from benchmark.report.patch_tokens import tokens_text
from benchmark.report.published import Published
from benchmark.report.rows import Row, benchmarks_of
from benchmark.report.tables.grid import Column, Grid, GridEntry, GridSection
from benchmark.report.tables.leaderboard import (
    ARCH,
    ATTENTION_BIAS,
    NAME,
    OVERHEAD,
    PARAMS,
    REGISTERS,
    SEEDS,
    SPECIALIZATION,
    Leaderboard,
    LeaderboardColumn,
    average_of,
)

_NUMERIC = ("params\nM", "added\n%")
_INTERVALS = (
    "Small: 95 % interval over images (BCa bootstrap; Wilson for a single accuracy). "
    "Intervals over images do not cover variance over seeds or trainings."
)


def leaderboard_grid(board: Leaderboard, published: Sequence[Published] = ()) -> Grid:
    """Lays a leaderboard out.

    Args:
        board: Rows in the order to show them in; sections keep the order in which labels come first.
        published: Figures that are comparable, each in the section of its label.
    """
    described = _described(board.rows)
    scores = list(benchmarks_of(board.rows).values())
    means = [each for each in averages() if any(average_of(row, each) is not None for row in board.rows)]
    several_seeds = any(row.seed_counts != (1,) for row in board.rows)
    columns = [Column(title, numeric=title in _NUMERIC) for title in described]
    columns += [Column(benchmark.heading, benchmark.metric, numeric=True) for benchmark in scores]
    columns += [Column(average.heading, average.metric, numeric=True) for average in means]
    columns += [Column("seeds", numeric=True)] if several_seeds else []

    def line(row: Row) -> list[GridEntry]:
        model = [_of_model(column, row) for column in described.values()]
        numbers = [*(_score(row, benchmark.name) for benchmark in scores), *(_average(row, each) for each in means)]
        return [*model, *numbers, *([_seeds(row)] if several_seeds else [])]

    sections = []
    for label in dict.fromkeys(row.label for row in board.rows):
        lines = [line(row) for row in board.rows if row.label == label]
        figures: defaultdict[str, dict[str, Published]] = defaultdict(dict)
        for figure in published:
            if figure.label == label:
                figures[figure.model][figure.benchmark] = figure
        for model, by_benchmark in figures.items():
            numbers = [_published(benchmark.metric, by_benchmark.get(benchmark.name)) for benchmark in scores]
            before, after = len(described) - 1, len(means) + several_seeds
            lines.append([GridEntry(model), *[GridEntry()] * before, *numbers, *[GridEntry()] * after])
        sections.append(GridSection(f"protocol {label}", lines))
    return Grid("Leaderboard", columns, sections, _notes(board))


def _described(rows: Sequence[Row]) -> dict[str, LeaderboardColumn]:
    """Returns the columns in which some models differ from an ordinary ViT, by their titles."""
    models = [row.model for row in rows]
    shown = {"name": NAME, "arch": ARCH}
    if any(model.num_registers for model in models):
        shown["regis-\nters"] = REGISTERS
    if any(model.attention_bias for model in models):
        shown["attn\nbias"] = ATTENTION_BIAS
    if any(model.specialization != "none" for model in models):
        shown |= {"specialisation": SPECIALIZATION, "added\n%": OVERHEAD}
    return {**shown, "params\nM": PARAMS}


def _of_model(column: LeaderboardColumn, row: Row) -> GridEntry:
    return GridEntry(column.text(row) or "", value=None if column.decimals is None else column.number(row))


def _score(row: Row, benchmark: str) -> GridEntry:
    score = row.scores.get(benchmark)
    if score is None:
        return GridEntry()
    metric, interval = score.benchmark.metric, score.interval
    detail = "" if interval is None else f"[{metric.text(interval.low)}, {metric.text(interval.high)}]"
    records = tuple(record.id for record in score.records)
    return GridEntry.of(metric, score.value, detail, ranked=row.model.checkpoint != PIXEL_BASELINE, records=records)


def _average(row: Row, average: Average) -> GridEntry:
    value = average_of(row, average)
    return GridEntry() if value is None else GridEntry.of(average.metric, value)


def _seeds(row: Row) -> GridEntry:
    [fewest, *others] = row.seed_counts
    return GridEntry(SEEDS.text(row), value=None if others else float(fewest))


def _published(metric: Metric, figure: Published | None) -> GridEntry:
    if figure is None:
        return GridEntry()
    detail = "published" if figure.tokens is None else f"published, {figure.tokens:,} tokens"
    return GridEntry.of(metric, figure.value, detail, ranked=False)


def _notes(board: Leaderboard) -> list[str]:
    notes = []
    if any(score.interval for row in board.rows for score in row.scores.values()):
        notes.append(_INTERVALS)
    notes += _tokens(board)
    for row in board.rows:
        for score in row.scores.values():
            if score.seed_std is not None:
                text = score.benchmark.metric.text
                values = ", ".join(text(record.primary.value) for record in score.records)
                notes.append(
                    f"seeds: {row.model.name}, {score.benchmark.name}, {row.label}: standard deviation "
                    f"{text(score.seed_std)} over {len(score.records)} seeds ({values})"
                )
    return notes


def _tokens(board: Leaderboard) -> list[str]:
    """Lists the patch tokens per image on one line, by protocol and benchmark."""
    by_label: defaultdict[str, defaultdict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for row in board.rows:
        for name, score in row.scores.items():
            by_label[row.label][name] += score.records
    texts = []
    for label, by_benchmark in by_label.items():
        known = [f"{name} {text}" for name, records in by_benchmark.items() if (text := tokens_text(records))]
        texts += [f"{label}: {', '.join(known)}"] if known else []
    return [f"Patch tokens per image: {'; '.join(texts)}."] if texts else []
