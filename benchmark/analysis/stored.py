"""Reads folders that ``densebench analyze`` wrote. No torch, no matplotlib: a report page can use it.

results/analysis/<name>/
    statistics.csv       checkpoint, block, place, statistic, mean, std, n
    summary.json         the models, the pictures, the main figures, captions
    <figure>.png, .svg
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import RecordError

FOLDER = "analysis"
"""Below the results folder."""

STATISTICS, SUMMARY = "statistics.csv", "summary.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class StoredFigure:
    """A figure that was drawn."""

    name: str
    caption: str
    png: Path
    svg: Path


@dataclass(frozen=True)
class StoredAnalysis:
    """One folder."""

    folder: Path
    checkpoints: tuple[str, ...]
    statistics: pd.DataFrame
    """Columns of ``statistics.csv``; ``block`` is text, an index or ``mean``."""

    figures: tuple[StoredFigure, ...]
    summary: dict[str, Any]


def stored_analyses(results: Path) -> list[StoredAnalysis]:
    """Reads every analysis below a results folder, in the order of their names; an incomplete folder is left out."""
    return [read_analysis(path.parent) for path in sorted((results / FOLDER).glob(f"*/{SUMMARY}"))]


def read_analysis(folder: Path) -> StoredAnalysis:
    """Reads one folder.

    Raises:
        RecordError: It was not written by ``densebench analyze``, or by another version of it.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
        statistics = pd.read_csv(folder / STATISTICS, dtype={"checkpoint": str, "block": str})
    except (OSError, ValueError) as error:
        raise RecordError(f"{folder} is not a readable analysis: {error}") from error
    if summary.get("schema_version") != SCHEMA_VERSION:
        raise RecordError(
            f"{folder / SUMMARY} has schema version {summary.get('schema_version')}, not {SCHEMA_VERSION}"
        )
    return StoredAnalysis(
        folder=folder,
        checkpoints=tuple(summary["checkpoints"]),
        statistics=statistics,
        figures=tuple(
            StoredFigure(name, caption, folder / f"{name}.png", folder / f"{name}.svg")
            for name, caption in summary["figures"].items()
        ),
        summary=summary,
    )
