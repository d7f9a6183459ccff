"""The content of a record, as lines for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmark.benchmarks import benchmark_of
from benchmark.records.schema import Cost, Record

_SHOWN_METRICS = 14


@dataclass(frozen=True)
class FactGroup:
    """Named values under a heading."""

    title: str
    lines: list[tuple[str, str]]


def score_of(record: Record) -> str:
    """Writes the score with metric and unit."""
    if record.status == "error" or record.primary is None:
        return "failed"
    benchmark = benchmark_of(record)
    if benchmark is None:
        return f"{record.primary.name} {record.primary.value:g}"
    metric = benchmark.metric
    return f"{metric.title} {metric.with_unit(record.primary.value)}"


def facts_of(record: Record, interval: str) -> list[FactGroup]:
    """Lists the content of a record, by heading.

    Args:
        record: Any.
        interval: Interval of its score, as text; empty without one.
    """
    model, cost, environment = record.model, record.cost, record.environment
    metrics = [(name, written(value)) for name, value in (record.metrics or {}).items() if _is_plain(value)]
    return [
        FactGroup(
            "Result",
            [
                *([("score", score_of(record))] if record.primary else []),
                *([("95 % interval over images", interval)] if interval else []),
                *metrics[:_SHOWN_METRICS],
            ],
        ),
        FactGroup(
            "Model",
            [
                ("checkpoint", model.checkpoint),
                ("sha256", model.checkpoint_sha256),
                ("layout", model.layout),
                ("architecture", f"{model.arch}, {model.depth} blocks of width {model.embed_dim}"),
                ("specialisation", model.specialization),
                ("registers", str(model.num_registers)),
                ("attention bias", "yes" if model.attention_bias else "no"),
                ("parameters", f"{model.params:,}"),
                ("GFLOPs", f"{model.gflops:g}"),
                *([("assumed", ", ".join(model.assumed))] if model.assumed else []),
                *(("note", note) for note in model.notes),
            ],
        ),
        FactGroup(
            "Data",
            [
                ("dataset", record.data.name),
                ("images", ", ".join(f"{count:,} {split}" for split, count in record.data.splits.items())),
                ("fingerprint", record.data.fingerprint),
            ],
        ),
        FactGroup(
            "Run",
            [
                ("record", f"{record.id}.json"),
                ("created", record.created),
                ("seed", str(record.seed)),
                *([("heads trained by", record.trained_with)] if record.trained_with is not None else []),
                *([("limit", str(record.limit))] if record.limit is not None else []),
                *([("per-image statistics", record.per_image)] if record.per_image else []),
                *(_cost(cost) if cost else []),
            ],
        ),
        FactGroup(
            "Environment",
            [
                ("commit", f"{environment.git_commit or 'unknown'}{', with changes' if environment.git_dirty else ''}"),
                ("hardware", environment.hardware),
                ("device", environment.device),
                ("packages", ", ".join(f"{name} {version}" for name, version in environment.packages.items())),
            ],
        ),
    ]


def _cost(cost: Cost) -> list[tuple[str, str]]:
    return [
        ("wall time", f"{cost.wall_s:,.1f} s"),
        ("images through the backbone", f"{cost.backbone_forwards:,} ({cost.images_per_s:,.1f} a second)"),
        ("peak memory", f"{cost.peak_memory_mb:,.0f} MB"),
    ]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)


def written(value: Any) -> str:
    """Writes a value with six digits at most."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)
