"""``results/leaderboard.csv``: one row per checkpoint and protocol family, one column per benchmark.

A column never mixes protocols or data: where the rows of one protocol label do not share fingerprints, the largest
group stays and the others are named as left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.atomic import atomic_write
from benchmark.benchmarks import BENCHMARKS
from benchmark.records.schema import Record

# Columns of all nine benchmarks, so that the file keeps its shape while suites grow.
_SCORES = (
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
_AVERAGES = {
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
    *(column for score in _SCORES for column in (score, f"{score}_ci95")),
    *_AVERAGES,
    "protocol",
    "seeds",
    "checkpoint_sha256",
)


@dataclass(frozen=True)
class Leaderboard:
    """The table and what did not get into it."""

    table: pd.DataFrame
    """Columns are ``COLUMNS``; missing cells are empty."""

    left_out: list[str]
    """One line per record or group of records that was left out, with the reason."""


def protocol_label(record: Record) -> str:
    """Names the protocol of a row: the family, and every override, since it makes another protocol."""
    overrides = record.protocol.overrides
    return record.protocol.family + (f" ({' '.join(overrides)})" if overrides else "")


def make_leaderboard(records: Sequence[Record]) -> Leaderboard:
    """Builds the table from successful, unlimited records.

    A cell that was run several times counts with its newest record; several seeds are averaged.
    """
    usable = []
    reasons: Counter[str] = Counter()
    for record in records:
        if record.benchmark not in BENCHMARKS:
            reasons[f"of {record.benchmark}, which this DenseBench does not know"] += 1
        elif record.status == "error" or record.primary is None:
            reasons["that failed"] += 1
        elif record.limit is not None:
            reasons["with --limit"] += 1
        else:
            usable.append(record)
    left_out = [f"{_runs(count)} {reason}" for reason, count in reasons.items()]
    rows: defaultdict[tuple[str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in _comparable(usable, left_out):
        row = (protocol_label(record), record.model.checkpoint_sha256)
        rows[row][record.benchmark].append(record)
    table = pd.DataFrame([_row(label, cells) for (label, _), cells in rows.items()], columns=list(COLUMNS))
    return Leaderboard(table.sort_values(["protocol", "name", "checkpoint_sha256"], ignore_index=True), left_out)


def write_leaderboard(records: Sequence[Record], results: Path) -> Leaderboard:
    """Writes ``leaderboard.csv`` and its long form ``runs.csv`` into ``results`` and returns the table."""
    board = make_leaderboard(records)
    results.mkdir(parents=True, exist_ok=True)
    for path, table in ((results / "leaderboard.csv", board.table), (results / "runs.csv", _long(records))):
        with atomic_write(path) as file:
            file.write(table.to_csv(index=False, lineterminator="\n").encode())
    return board


def _comparable(records: Sequence[Record], left_out: list[str]) -> list[Record]:
    """Keeps one protocol and data fingerprint per column and label, and the newest record of each seed.

    It is the one with most checkpoints, so that a stray run on other data does not empty the column; the newest wins
    a tie.
    """
    columns: defaultdict[tuple[str, str], defaultdict[tuple[str, str], list[Record]]]
    columns = defaultdict(lambda: defaultdict(list))
    for record in records:  # oldest first
        columns[record.benchmark, protocol_label(record)][_comparison(record)].append(record)
    kept = []
    for (benchmark, label), groups in columns.items():
        chosen = max(groups.values(), key=lambda group: (len(_checkpoints(group)), group[-1].created, group[-1].id))
        others = sum(len(group) for group in groups.values()) - len(chosen)
        if others:
            left_out.append(
                f"{_runs(others)} of {benchmark}, {label}: another protocol version or data than the "
                f"{_runs(len(chosen))} shown (see runs.csv)"
            )
        kept += {(record.model.checkpoint_sha256, record.seed): record for record in chosen}.values()
    return kept


def _checkpoints(records: Sequence[Record]) -> set[str]:
    return {record.model.checkpoint_sha256 for record in records}


def _comparison(record: Record) -> tuple[str, str]:
    return record.protocol.fingerprint, record.data.fingerprint


def _row(label: str, cells: dict[str, list[Record]]) -> dict[str, Any]:
    newest = max((record for records in cells.values() for record in records), key=lambda record: record.created)
    row: dict[str, Any] = {
        "name": newest.model.name,
        "arch": newest.model.arch,
        "patch_size": newest.model.patch_size,
        "registers": newest.model.num_registers,
        "attention_bias": "yes" if newest.model.attention_bias else "no",
        "specialization": newest.model.specialization,
        "params_m": f"{newest.model.params / 1e6:.2f}",
        "overhead_pct": None if newest.model.overhead_pct is None else f"{newest.model.overhead_pct:.2f}",
        "protocol": label,
        "seeds": "/".join(map(str, sorted({len(records) for records in cells.values()}))),
        "checkpoint_sha256": newest.model.checkpoint_sha256,
    }
    scores = {}
    for benchmark, records in cells.items():
        column = BENCHMARKS[benchmark].column
        scores[column] = float(np.mean([record.primary.value for record in records]))
        row[column] = _fixed(column, scores[column])
        if len(records) == 1 and records[0].primary.ci95 is not None:
            row[f"{column}_ci95"] = "-".join(_fixed(column, bound) for bound in records[0].primary.ci95)
    for average, members in _AVERAGES.items():
        if all(member in scores for member in members):
            row[average] = _fixed(average, float(np.mean([scores[member] for member in members])))
    return row


def _runs(count: int) -> str:
    return f"{count} run{'s' if count > 1 else ''}"


def _fixed(column: str, value: float) -> str:
    """Two decimals for percent, three for metres."""
    return f"{value:.3f}" if column.endswith("rmse") else f"{value:.2f}"


def _long(records: Sequence[Record]) -> pd.DataFrame:
    """One line per record."""
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
