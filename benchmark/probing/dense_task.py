"""What a dense benchmark adds to the common flow of ``probing/dense.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from benchmark.data.split import Split
from benchmark.features.frozen import FrozenFeatures
from benchmark.metric import Metric
from benchmark.probing.gallery import Pictured
from benchmark.probing.train import Probe
from benchmark.probing.training_features import Batch


class DenseTask(Pictured, Protocol):
    """What a benchmark adds to the common flow. Statistics are arrays (probes, images, ...), exact and additive."""

    metric: Metric
    """The number that counts."""

    known_pixel: str
    """What makes a pixel one to learn from, for the message that none is."""

    scored_pixel: str
    """What makes a pixel count, for the message that none does."""

    settings: Any
    """The protocol's fields."""

    statistics_shape: tuple[int, ...]
    """Shape of what ``measure`` returns for one image and one probe."""

    statistics_dtype: torch.dtype
    """Its dtype."""

    def make_head(self, features: FrozenFeatures) -> nn.Module:
        """Makes a head with fresh weights; it is called with what ``features`` returns."""
        ...

    def train_sample(self, split: Split) -> Callable[[int], Any]:
        """Returns a function from an index to an augmented sample."""
        ...

    def test_sample(self, split: Split) -> Callable[[int], Any]:
        """Returns a function from an index to a sample to score."""
        ...

    def target(self, sample: Any) -> Tensor:
        """Returns the labels or metres (H, W) of a sample."""
        ...

    def known(self, target: Tensor) -> Tensor:
        """Returns the labels or metres (n,) of the pixels that have any."""
        ...

    def scored(self, target: Tensor) -> bool:
        """Tells whether some pixel of a target (H, W) is scored."""
        ...

    def collate(self, samples: list[Any]) -> Batch:
        """Puts samples into a batch."""
        ...

    def loss(self, prediction: Tensor, target: Tensor, update: int) -> Tensor:
        """Returns the loss of one head at an update, a scalar."""
        ...

    def measure(self, sample: Any, probes: list[Probe], features: FrozenFeatures) -> Tensor:
        """Returns the statistics (probes, ...) of one image, on one pass of the backbone."""
        ...

    def score(self, statistics: np.ndarray) -> float:
        """Returns the primary metric of one probe from its statistics (images, ...); nan without anything to score."""
        ...

    def metrics(self, statistics: np.ndarray) -> dict[str, Any]:
        """Returns all metrics of the chosen probes (seeds, images, ...)."""
        ...

    def per_image(self, names: list[str], statistics: np.ndarray) -> pd.DataFrame:
        """Lays the statistics (seeds, images, ...) out as rows."""
        ...
