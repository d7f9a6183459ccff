"""How many images a training shows to the backbone."""

from __future__ import annotations

from typing import Any


def training_forwards(settings: Any, images: int) -> int:
    """Counts the crops of a training on dense features, or of linear probes.

    One per step and place of the batch, or each image (each stored view) once.

    Args:
        settings: A protocol with a ``train`` section.
        images: Training images.
    """
    train = settings.train
    if getattr(train, "source", "online") == "stored":
        return images
    stored = getattr(train, "stored", None)
    if stored is not None:
        return images * stored.views
    # A sweep scores the images it holds out; with a refit, others replace them in the batches of those that choose.
    share = settings.selection.holdout if settings.candidates > 1 else 0.0
    seen = train.iterations * train.batch_size * (1 + share * settings.selection.refit)
    return round(seen + images * share)
