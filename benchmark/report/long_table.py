"""One row for each score, with its interval and what it was made with: for plots and statistics of one's own.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.benchmarks import benchmark_of
from benchmark.records.cell import key_of
from benchmark.records.schema import Record
from benchmark.report.statistics.intervals import Interval
from benchmark.report.steps import run_and_step

COLUMNS: Mapping[str, str] = {
    **{"name": "str", "run": "str", "step": "Int64", "benchmark": "str", "dataset": "str"},
    **{"protocol": "str", "overrides": "str", "seed": "Int64", "limit": "Int64"},
    **{"metric": "str", "unit": "str", "value": "float64", "value_low": "float64", "value_high": "float64"},
    **{"arch": "str", "embed_dim": "Int64", "depth": "Int64", "patch_size": "Int64", "registers": "Int64"},
    **{"attention_bias": "bool", "specialization": "str", "params": "Int64", "gflops": "float64"},
    **{"wall_s": "float64", "device": "str", "created": "datetime64[us, UTC]", "id": "str"},
    **{"fingerprint": "str", "data_fingerprint": "str", "checkpoint_sha256": "str"},
}
"""Columns with their dtypes. ``name`` is that of tables, ``RUN@STEP`` for a checkpoint of a training run, which ``run``
and ``step`` hold apart. ``value_low`` and ``value_high`` are the ends of the 95 % interval over images."""


def long_table(records: Sequence[Record], intervals: Mapping[str, Interval]) -> pd.DataFrame:
    """Lays successful records out as one row each, in their order.

    Args:
        records: Records; those that failed have no row.
        intervals: By identity of a record; one without an interval has nan.

    Returns:
        A table with the columns of `COLUMNS`.
    """
    done = [record for record in records if record.status == "success" and record.primary is not None]
    rows = [_row(record, intervals.get(record.id)) for record in done]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict(COLUMNS))


def newest_of_each_cell(records: Sequence[Record]) -> list[Record]:
    """Returns the last success of each cell among records that are oldest first."""
    return list({key_of(record): record for record in records if record.status == "success"}.values())


def _row(record: Record, interval: Interval | None) -> dict[str, Any]:
    model, benchmark = record.model, benchmark_of(record)
    run, step = run_and_step(model.name)
    return {
        "name": model.name,
        "run": run,
        "step": step,
        "benchmark": record.benchmark,
        "dataset": record.data.name,
        "protocol": record.protocol.name,
        "overrides": " ".join(record.protocol.overrides),
        "seed": record.seed,
        "limit": record.limit,
        "metric": record.primary.name,
        "unit": "" if benchmark is None else benchmark.metric.unit,
        "value": record.primary.value,
        "value_low": None if interval is None else interval.low,
        "value_high": None if interval is None else interval.high,
        "arch": model.arch,
        "embed_dim": model.embed_dim,
        "depth": model.depth,
        "patch_size": model.patch_size,
        "registers": model.num_registers,
        "attention_bias": model.attention_bias,
        "specialization": model.specialization,
        "params": model.params,
        "gflops": model.gflops,
        "wall_s": None if record.cost is None else record.cost.wall_s,
        "device": record.environment.device,
        "created": pd.Timestamp(record.created),
        "id": record.id,
        "fingerprint": record.protocol.fingerprint,
        "data_fingerprint": record.data.fingerprint,
        "checkpoint_sha256": model.checkpoint_sha256,
    }
