"""What one cell has to work with, whatever its benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.probing.resume import ResumeFile
from benchmark.probing.splits import Splits


@dataclass(frozen=True)
class Job:
    """Images, seed and places of one cell."""

    data: Splits
    """Where the images are."""

    seed: int
    """Seed of order, augmentation, initial heads and held-out images."""

    resume: ResumeFile
    """Where the training state is kept."""

    label: str
    """What progress lines begin with."""

    workers: int = 0
    """Loader processes."""
