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
    title: str
    """What the description of own data calls it; empty where that is the benchmark's name, and for what ships."""

    question: str
    metric: str
    measured: str
    images: str
    official: bool
    """Whether all scored images of the official release were used, so that published numbers can be near."""

    own: bool
    """Whether a description made the benchmark, so that there is no official release."""


def make_introduction(rows: Sequence[Row]) -> list[Asked]:
    """Explains the benchmarks that have a number."""
    asked = []
    for benchmark in benchmarks_of(rows).values():
        records = [row.scores[benchmark.name].records[0] for row in rows if benchmark.name in row.scores]
        dataset, metric = benchmark.dataset, benchmark.metric
        own = dataset.description is not None
        counts = sorted({_scored(record) for record in records})
        official = {_official(benchmark, record) for record in records}
        usual = next(iter(official)) if len(official) == 1 else None
        text = " or ".join(f"{count:,}" for count in counts)
        if usual is not None and counts != [usual]:
            text += f" of {usual:,}"
        asked.append(
            Asked(
                benchmark=benchmark.name,
                title=dataset.title if own and dataset.title != benchmark.name else "",
                question=benchmark.task.question,
                metric=f"{metric.title}, {metric.unit} {metric.arrow}",
                measured=metric.explanation,
                images=text,
                official=counts == [usual],
                own=own,
            )
        )
    return asked


def _scored(record: Record) -> int:
    return record.data.splits.get("val", 0)


def _official(benchmark: Benchmark, record: Record) -> int | None:
    """Returns the images of the scored split in the official release, None where that is not known."""
    split = record.protocol.fields.get("data", {}).get("val", "val")
    return benchmark.dataset.counts.get(split)
