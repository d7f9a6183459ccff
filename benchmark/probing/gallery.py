"""What a trained probe makes of a few images, to be looked at; see ``records/gallery.py`` for the file."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.backbones.spec import Preprocessing
from benchmark.data.split import Split
from benchmark.features.frozen import FrozenFeatures
from benchmark.probing.train import Probe
from benchmark.records.gallery import STEPS_PER_METRE, Kind, make_panel, pack

IMAGES = 4
"""Images of a gallery, spread evenly over the split."""


class Pictured(Protocol):
    """A task whose predictions can be looked at."""

    gallery_kind: Kind

    def test_sample(self, split: Split) -> Any:
        """Returns a function from an index to a sample to score."""
        ...

    def picture(self, sample: Any, probe: Probe, features: FrozenFeatures) -> tuple[NDArray, NDArray, NDArray]:
        """Returns the image (H, W, 3), what was wanted and what came out, as ``make_panel`` takes them."""
        ...


def make_gallery(task: Pictured, split: Split, probe: Probe, features: FrozenFeatures) -> bytes | None:
    """Packs the pictures of a few images; None in every process but the leading one.

    It costs one more forward for each of them. They are no part of the measurement, so the record does not count them.
    """
    if not features.world.is_main:
        return None
    aside = FrozenFeatures(features.backbone, features.settings, features.device)
    load, names = task.test_sample(split), split.names
    indices = dict.fromkeys(len(split) * number // IMAGES for number in range(IMAGES))
    return pack([make_panel(names[at], *task.picture(load(at), probe, aside)) for at in indices], task.gallery_kind)


def rgb(image: Tensor, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Undoes the normalisation of an image (3, H, W): (H, W, 3) bytes."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (preprocessing.mean, preprocessing.std))
    return ((image.cpu() * std + mean).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def depth_steps(depth: Tensor) -> NDArray[np.uint16]:
    """Turns metres (H, W) into the whole steps of a gallery's depth maps."""
    return (depth.cpu() * STEPS_PER_METRE).round().clamp(0, np.iinfo(np.uint16).max).numpy().astype(np.uint16)
