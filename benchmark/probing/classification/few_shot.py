"""Which training images a classifier is fitted to: all of them, or few-shot draws."""

from __future__ import annotations

from benchmark.data.per_class import few_shot
from benchmark.probing.classification.stored_features import LabelledFeatures
from benchmark.protocols.classification import FewShotData


def training_draws(images: LabelledFeatures, settings: FewShotData) -> list[LabelledFeatures]:
    """Returns the training images of each try; one try of all images unless it is few-shot.

    Raises:
        DataError: A class has fewer images than are drawn.
    """
    if settings.n_per_class is None:
        return [images]
    labels = images.labels.numpy()
    return [images.take(few_shot(labels, settings.n_per_class, number)) for number in range(settings.tries)]
