"""How often a benchmark runs the backbone, before it does."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.benchmarks import BENCHMARKS
from benchmark.data import DATASETS
from benchmark.probing.sliding_window import Windows
from benchmark.protocols import load_protocol


@dataclass(frozen=True)
class Plan:
    """The forwards of one benchmark under its default protocol, on the official data."""

    benchmark: str
    protocol: str
    side: int
    """Side of the images the backbone sees, pixels."""

    precision: str
    """Arithmetic of the backbone."""

    train: int
    """Crops seen in training."""

    val: int
    """Windows seen in evaluation."""

    @property
    def forwards(self) -> int:
        """Images through the backbone."""
        return self.train + self.val


def plan(benchmark: str) -> Plan:
    """Counts the forwards of a segmentation benchmark; windows are counted on an image of the dataset's usual size."""
    known = BENCHMARKS[benchmark]
    layout = DATASETS[known.dataset]
    settings = load_protocol(benchmark, known.default_protocol).settings
    windows = Windows(settings.test.window, settings.test.stride, 1)
    height, width = layout.usual_size
    resize = settings.test.resize
    scale = min(resize.short / min(height, width), (resize.long or max(height, width) * 10**6) / max(height, width))
    per_image = len(windows.starts(round(height * scale))) * len(windows.starts(round(width * scale)))
    return Plan(
        benchmark=benchmark,
        protocol=known.default_protocol,
        side=settings.train.crop,
        precision=settings.features.precision,
        train=settings.train.iterations * settings.train.batch_size,
        val=layout.counts[settings.data.val] * per_image,
    )
