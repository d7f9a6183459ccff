"""How often a benchmark runs the backbone, before it does."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.benchmarks import BENCHMARKS
from benchmark.data import DATASETS
from benchmark.probing.sliding_window import Windows
from benchmark.protocols import DepthProtocol, LinearProtocol, SegmentationProtocol, Settings, load_protocol


@dataclass(frozen=True)
class Plan:
    """The forwards of one benchmark under its default protocol, on the official data."""

    benchmark: str
    protocol: str
    train_size: tuple[int, int]
    """(height, width) of the crops the backbone sees in training, pixels."""

    val_size: tuple[int, int]
    """(height, width) of the images or windows it sees in evaluation, pixels."""

    precision: str
    """Arithmetic of the backbone."""

    train: int
    """Crops seen in training, and images a sweep chooses on."""

    val: int
    """Images or windows seen in evaluation, mirror images included."""

    @property
    def forwards(self) -> int:
        """Images through the backbone."""
        return self.train + self.val


def plan(benchmark: str, patch_size: int) -> Plan:
    """Counts the forwards of a benchmark; evaluation is counted on images of the dataset's usual size."""
    known = BENCHMARKS[benchmark]
    layout = DATASETS[known.dataset]
    trained_on = DATASETS[known.trained_on or known.dataset]
    settings = load_protocol(benchmark, known.default_protocol).in_pixels(patch_size)
    if isinstance(settings, SegmentationProtocol):
        train_size = (settings.train.crop, settings.train.crop)
        val_size, per_image = _windows(settings, layout.usual_size)
    elif isinstance(settings, DepthProtocol):
        train_size = settings.train.crop
        val_size, per_image = _whole_image(settings, layout.usual_size)
    else:
        val_size, per_image = (settings.view.crop, settings.view.crop), 1
        online = isinstance(settings, LinearProtocol) and settings.train.source == "online"
        train_size = (settings.train.crop, settings.train.crop) if online else val_size
    return Plan(
        benchmark=benchmark,
        protocol=known.default_protocol,
        train_size=train_size,
        val_size=val_size,
        precision=settings.features.precision,
        train=_training_forwards(settings, trained_on.counts[settings.data.train]),
        val=layout.counts[settings.data.val] * per_image,
    )


def _training_forwards(settings: Settings, images: int) -> int:
    """Returns crops seen in training: one per step and place of the batch, or each image (each stored view) once."""
    train = getattr(settings, "train", None)
    if train is None or getattr(train, "source", "online") == "stored":
        return images
    stored = getattr(train, "stored", None)
    if stored is not None:
        return images * stored.views
    # A sweep scores the images it holds out; with a refit, others replace them in the batches of those that choose.
    share = settings.selection.holdout if settings.candidates > 1 else 0.0
    seen = train.iterations * train.batch_size * (1 + share * settings.selection.refit)
    return round(seen + images * share)


def _windows(settings: SegmentationProtocol, size: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """Returns the size of a window and how many cover an image of ``size``."""
    windows = Windows(settings.test.window, settings.test.stride, 1)
    resize = settings.test.resize
    scale = min(resize.short / min(size), (resize.long or max(size) * 10**6) / max(size))
    height, width = (round(length * scale) for length in size)
    return (windows.tokens(height), windows.tokens(width)), len(windows.starts(height)) * len(windows.starts(width))


def _whole_image(settings: DepthProtocol, size: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """Returns the size at which an image of ``size`` is tested and how often."""
    crop = settings.test.fixed_crop
    return size if crop is None else (crop.height, crop.width), 1 if settings.test.flip == "none" else 2
