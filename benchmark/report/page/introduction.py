"""What was asked and measured, benchmark by benchmark, in a reader's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.benchmarks import BENCHMARKS
from benchmark.data import DATASETS
from benchmark.records.schema import Record
from benchmark.report.leaderboard_grid import METRICS
from benchmark.report.rows import Row

_ASKED = {
    "seg": "What is at each pixel? One linear layer on the patch tokens answers.",
    "depth": "How far away is each pixel? One linear layer on the tokens answers.",
    "imagenet-knn": "What is in the picture? The nearest training images by [CLS] vote; nothing is trained.",
    "imagenet-linear": "What is in the picture? One linear layer on the tokens of the whole image answers.",
    "imagenet-logreg": "What is in the picture? Logistic regression on [CLS] answers.",
}
_MEASURED = {
    "miou": "overlap of predicted and true areas, averaged over classes; 100 is perfect",
    "rmse": "root mean squared error, averaged over images; 0 is perfect",
    "top1": "share of images whose class is right; 100 is perfect",
}


@dataclass(frozen=True)
class Asked:
    """One benchmark."""

    benchmark: str
    question: str
    metric: str
    measured: str
    images: str
    official: bool
    """Whether all scored images of the official release were used, so that published numbers can be near."""


def make_introduction(rows: Sequence[Row]) -> list[Asked]:
    """Explains the benchmarks that have a number."""
    asked = []
    for known in BENCHMARKS.values():
        records = [row.cells[known.name].records[0] for row in rows if known.name in row.cells]
        if not records:
            continue
        counts = sorted({_scored(record) for record in records})
        official = {_official(record) for record in records}
        usual = next(iter(official)) if len(official) == 1 else None
        text = " or ".join(f"{count:,}" for count in counts)
        if usual is not None and counts != [usual]:
            text += f" of {usual:,}"
        asked.append(
            Asked(
                benchmark=known.name,
                question=_ASKED.get(known.name) or _ASKED[known.group],
                metric=f"{METRICS[known.metric]}, {known.unit} {'↑' if known.higher_is_better else '↓'}",
                measured=_MEASURED[known.metric],
                images=text,
                official=counts == [usual],
            )
        )
    return asked


def _scored(record: Record) -> int:
    return record.data.splits.get("val", 0)


def _official(record: Record) -> int | None:
    """Returns the images of the scored split in the official release, None where that is not known."""
    split = record.protocol.fields.get("data", {}).get("val", "val")
    return DATASETS[record.data.name].counts.get(split) if record.data.name in DATASETS else None
