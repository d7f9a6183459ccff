"""``results/leaderboard.csv``: one row per checkpoint and protocol family, one column per benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmark.benchmarks import BENCHMARKS
from benchmark.records.schema import Record
from benchmark.report.estimates import Estimates
from benchmark.report.rows import Row, make_rows

# Columns of all nine benchmarks, so that the file keeps its shape while suites grow.
SCORES = (
    "ade20k_miou",
    "voc2012_miou",
    "cityscapes_miou",
    "nyu_rmse",
    "kitti_rmse",
    "sunrgbd_rmse",
    "imagenet_knn_top1",
    "imagenet_linear_top1",
    "imagenet_logreg_top1",
)
AVERAGES = {
    "avg_seg_miou": ("ade20k_miou", "voc2012_miou", "cityscapes_miou"),
    "avg_depth_rmse": ("kitti_rmse", "nyu_rmse", "sunrgbd_rmse"),
}
COLUMNS = (
    "name",
    "arch",
    "patch_size",
    "registers",
    "attention_bias",
    "specialization",
    "params_m",
    "overhead_pct",
    *(column for score in SCORES for column in (score, f"{score}_ci95")),
    *AVERAGES,
    "protocol",
    "seeds",
    "checkpoint_sha256",
)


@dataclass(frozen=True)
class Leaderboard:
    """The table, where its numbers come from, and what did not get into it."""

    table: pd.DataFrame
    """Columns are ``COLUMNS``, numbers are text with fixed decimals, missing cells are empty."""

    rows: list[Row]
    """The same rows in the same order, with intervals and records."""

    left_out: list[str]
    """One line per record or group of records that was left out, with the reason."""

    def keep(self, positions: Sequence[int]) -> Leaderboard:
        """Returns the rows at ``positions``, in that order."""
        table = self.table.iloc[list(positions)].reset_index(drop=True)
        return Leaderboard(table, [self.rows[position] for position in positions], self.left_out)


def make_leaderboard(records: Sequence[Record], estimates: Estimates | None = None) -> Leaderboard:
    """Builds the table from successful, unlimited records.

    A cell that was run several times counts with its newest record; several seeds are averaged.
    """
    rows, left_out = make_rows(records, estimates)
    return Leaderboard(pd.DataFrame([_line(row) for row in rows], columns=list(COLUMNS)), rows, left_out)


def is_lower_better(column: str) -> bool:
    """Says whether less is better in a column of scores or averages."""
    return column.endswith("rmse")


def fixed(column: str, value: float) -> str:
    """Writes a number with two decimals for percent, three for metres."""
    return f"{value:.3f}" if column.endswith("rmse") else f"{value:.2f}"


def averages(row: Row) -> dict[str, float]:
    """Returns the averages whose members are all there."""
    scores = {BENCHMARKS[benchmark].column: cell.value for benchmark, cell in row.cells.items()}
    return {
        average: float(np.mean([scores[member] for member in members]))
        for average, members in AVERAGES.items()
        if all(member in scores for member in members)
    }


def long_form(records: Sequence[Record]) -> pd.DataFrame:
    """Lays records out as one line each."""
    return pd.DataFrame(
        [
            {
                "id": record.id,
                "status": record.status,
                "benchmark": record.benchmark,
                "name": record.model.name,
                "arch": record.model.arch,
                "protocol": record.protocol.name,
                "overrides": " ".join(record.protocol.overrides),
                "fingerprint": record.protocol.fingerprint,
                "data_fingerprint": record.data.fingerprint,
                "seed": record.seed,
                "limit": record.limit if record.limit is not None else "",
                "metric": record.primary.name if record.primary else "",
                "value": f"{record.primary.value:.6f}" if record.primary else "",
                "wall_s": record.cost.wall_s if record.cost else "",
                "checkpoint_sha256": record.model.checkpoint_sha256,
            }
            for record in records
        ],
        columns=[
            *("id", "status", "benchmark", "name", "arch", "protocol", "overrides", "fingerprint"),
            *("data_fingerprint", "seed", "limit", "metric", "value", "wall_s", "checkpoint_sha256"),
        ],
    )


def _line(row: Row) -> dict[str, Any]:
    model = row.model
    line: dict[str, Any] = {
        "name": model.name,
        "arch": model.arch,
        "patch_size": model.patch_size,
        "registers": model.num_registers,
        "attention_bias": "yes" if model.attention_bias else "no",
        "specialization": model.specialization,
        "params_m": f"{model.params / 1e6:.2f}",
        "overhead_pct": None if model.overhead_pct is None else f"{model.overhead_pct:.2f}",
        "protocol": row.label,
        "seeds": "/".join(map(str, sorted({len(cell.records) for cell in row.cells.values()}))),
        "checkpoint_sha256": model.checkpoint_sha256,
    }
    for benchmark, cell in row.cells.items():
        column = BENCHMARKS[benchmark].column
        line[column] = fixed(column, cell.value)
        if cell.interval is not None:
            line[f"{column}_ci95"] = "-".join(fixed(column, end) for end in (cell.interval.low, cell.interval.high))
    return {**line, **{average: fixed(average, value) for average, value in averages(row).items()}}
