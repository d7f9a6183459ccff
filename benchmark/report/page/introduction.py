"""What each benchmark asks and measures, for a reader who does not know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.benchmarks import Benchmark
from benchmark.records.schema import Record
from benchmark.report.rows import Row, benchmarks_of


@dataclass(frozen=True)
class Asked:
    """One benchmark."""

    benchmark: str
    question: str
    metric: str
    measured: str
    images: str
    unofficial: bool
    """Whether there is an official release and other images than its were scored, so that published numbers are not
    comparable."""


def make_introduction(rows: Sequence[Row]) -> list[Asked]:
    """Explains the benchmarks that have a number."""
    asked = []
    for benchmark in benchmarks_of(rows).values():
        records = [row.scores[benchmark.name].records[0] for row in rows if benchmark.name in row.scores]
        metric = benchmark.metric
        counts = sorted({_scored(record) for record in records})
        official = {_official(benchmark, record) for record in records}
        usual = next(iter(official)) if len(official) == 1 else None
        text = " or ".join(f"{count:,}" for count in counts)
        if usual is not None and counts != [usual]:
            text += f" of {usual:,}"
        asked.append(
            Asked(
                benchmark=benchmark.name,
                question=benchmark.task.question,
                metric=f"{metric.title}, {metric.unit} {metric.arrow}",
                measured=metric.explanation,
                images=text,
                unofficial=benchmark.dataset.description is None and counts != [usual],
            )
        )
    return asked


def _scored(record: Record) -> int:
    return record.data.splits.get("val", 0)


def _official(benchmark: Benchmark, record: Record) -> int | None:
    """Returns the images of the scored split in the official release, None where that is not known."""
    split = record.protocol.fields.get("data", {}).get("val", "val")
    return benchmark.dataset.counts.get(split)
