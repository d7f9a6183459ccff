"""Image classification by logistic regression."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.data.classification import LabelledImages
from benchmark.errors import DataError
from benchmark.features.frozen import FrozenBackbone
from benchmark.metrics.topk import ranks
from benchmark.probing.classification.few_shot import training_draws
from benchmark.probing.classification.scores import Ranked, encode_extras, outcome, score_extras, selected, share_out
from benchmark.probing.classification.stored_features import LabelledFeatures, encode_split
from benchmark.probing.job import Job
from benchmark.probing.run_record import Outcome
from benchmark.probing.runner import labelled_runner
from benchmark.probing.selection import best, hold_out
from benchmark.progress import Progress
from benchmark.protocols.classification import LogregProtocol
from heads import LogisticRegression, logistic_regression_path

_CHUNK = 4096  # images whose logits are held at once


@dataclass(frozen=True)
class _Classifier:
    """A model of the classes that its training images have; a small set lacks some, and those are never predicted."""

    model: LogisticRegression

    classes: Tensor
    """(K,) int64, rising: the class of each of the model's scores."""

    def rank(self, features: Tensor, labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
        """Returns predictions and ranks (N,) of features (N, D); an image of a class it lacks is never a hit."""
        scores = self.model.scores(features)
        classes = self.classes.to(scores.device)
        among_all = scores.new_full((len(scores), num_classes), torch.nan)
        among_all[:, classes] = scores
        return classes[scores.argmax(1)], ranks(among_all, labels.to(scores.device))


def run_logreg(settings: LogregProtocol, encoder: FrozenBackbone, job: Job) -> Outcome:
    """Fits [CLS] by logistic regression; C is chosen on images held out of train, then all of train is fitted.

    Every process fits the same models; the processes share the images that are scored.

    Args:
        settings: The protocol.
        encoder: The frozen backbone.
        job: Images, seed and places.

    Raises:
        DataError: Images that cannot be read, too few of a class, or of one class alone.
    """

    def encode(split: LabelledImages) -> LabelledFeatures:
        return encode_split(split, settings.features, settings.view, encoder, job)

    train, val = encode(job.data.train), encode(job.data.val)
    extras = encode_extras(job.data.extras, val, encode)
    grid = c_values(settings)
    chosen, on_held_out, fitted_on_val, held_out = 0, None, None, []
    if len(grid) > 1:
        fit, held_out = hold_out(len(train), settings.selection.holdout, job.seed)
        queries = train.take(held_out)
        scores = []
        for images in training_draws(train.take(fit), settings.data):
            models = _fitted(settings, images, grid, encoder, f"{job.label} C")
            scores.append([[_rank(model, some, encoder).top1 for some in (queries, val)] for model in models])
        on_held_out, fitted_on_val = np.mean(scores, axis=0).T.tolist()
        chosen = best(on_held_out, higher_is_better=True)

    models = [
        next(_fitted(settings, images, [grid[chosen]], encoder, f"{job.label} fit"))
        for images in training_draws(train, settings.data)
    ]
    tries = [_rank(model, val, encoder) for model in models]
    selection = None
    if on_held_out is not None:
        candidates = [{"c": c} for c in grid]
        selection = selected(
            candidates, chosen, on_held_out, fitted_on_val, train=settings.data.train, images=len(held_out)
        )

    def others(images: LabelledFeatures) -> list[Ranked]:
        return [_rank(model, images, encoder) for model in models]

    return outcome(tries, train, val, selection, score_extras(extras, tries, others))


def c_values(settings: LogregProtocol) -> list[float]:
    """Returns the grid of C, rising."""
    return np.logspace(*settings.regression.c_exponents, settings.regression.c_count).tolist()


def _fitted(
    settings: LogregProtocol, images: LabelledFeatures, grid: list[float], encoder: FrozenBackbone, label: str
) -> Iterator[_Classifier]:
    """Yields a classifier for each C and says where the solver did not converge."""
    given = settings.regression
    classes, labels = images.labels.unique(return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"{label}: all {len(labels)} training images are of one class; there is nothing to tell apart")
    progress, warned = Progress(len(grid), label, quiet=not encoder.world.is_main), False
    for model in logistic_regression_path(
        images.cls(),
        labels,
        grid,
        num_classes=len(classes),
        max_iterations=given.max_iterations,
        tolerance=given.tolerance,
        device=encoder.device,
    ):
        progress.advance()
        if model.iterations >= given.max_iterations and encoder.world.is_main and not warned:
            print(
                f"{label}: note: C = {model.c:g} and maybe others stopped at regression.max_iterations",
                file=sys.stderr,
            )
            warned = True
        yield _Classifier(model, classes)
    progress.close()


def _rank(classifier: _Classifier, queries: LabelledFeatures, encoder: FrozenBackbone) -> Ranked:
    def share(rows: Tensor) -> tuple[Tensor, Tensor]:
        parts = []
        for some in rows.split(_CHUNK):
            images = queries.take(some)
            found = classifier.rank(images.read_cls(), images.labels, images.num_classes)
            parts.append([both[:, None] for both in found])
        prediction, rank = (torch.cat(part) for part in zip(*parts, strict=True))
        return prediction, rank

    prediction, rank = share_out(share, len(queries), 1, encoder)
    return Ranked(prediction[:, 0], rank[:, 0])


RUNNER = labelled_runner(run_logreg)
