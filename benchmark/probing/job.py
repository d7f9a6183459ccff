"""What one cell has to work with, whatever its benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.features.store import FeatureStore
from benchmark.probing.resume import ResumeFile
from benchmark.probing.splits import Splits
from benchmark.probing.trained_heads import TrainedHeads
from benchmark.run_options import OnBadImage


@dataclass(frozen=True)
class Job:
    """Images, seed and places of one cell."""

    data: Splits
    """Where the images are."""

    seed: int
    """Seed of order, augmentation, initial heads and held-out images."""

    resume: ResumeFile
    """Where the training state is kept."""

    store: FeatureStore
    """Where features are kept that need no augmentation."""

    label: str
    """What progress lines begin with."""

    model: str
    """What tables call the model."""

    workers: int = 0
    """Loader processes."""

    trained: TrainedHeads | None = None
    """Where the heads of the training are kept, if another benchmark scores them too."""

    on_bad_image: OnBadImage = "error"
    """What an image that cannot be read does where images are encoded once; dense benchmarks stop at it."""
