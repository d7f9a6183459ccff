"""Image classification by k nearest neighbours."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.data.classification import LabelledImages
from benchmark.features.frozen import FrozenBackbone
from benchmark.metrics.topk import ranks
from benchmark.probing.classification.few_shot import training_draws
from benchmark.probing.classification.scores import Ranked, encode_extras, outcome, score_extras, selected, share_out
from benchmark.probing.classification.stored_features import LabelledFeatures, encode_split
from benchmark.probing.job import Job
from benchmark.probing.run_record import Outcome
from benchmark.probing.runner import labelled_runner
from benchmark.probing.selection import best, hold_out
from benchmark.protocols.classification import KnnProtocol
from heads import KNNClassifier


def run_knn(settings: KnnProtocol, encoder: FrozenBackbone, job: Job) -> Outcome:
    """Classifies val by its neighbours in train; k is chosen on images held out of train.

    Args:
        settings: The protocol.
        encoder: The frozen backbone.
        job: Images, seed and places.

    Raises:
        DataError: Images that cannot be read, or too few of a class.
    """

    def encode(split: LabelledImages) -> LabelledFeatures:
        return encode_split(split, settings.features, settings.view, encoder, job)

    train, val = encode(job.data.train), encode(job.data.val)
    extras = encode_extras(job.data.extras, val, encode)
    fit, held_out = hold_out(len(train), settings.selection.holdout, job.seed)
    draws = training_draws(train.take(fit), settings.data)
    numbers = _numbers(settings, draws)
    chosen, on_held_out = 0, None
    if len(numbers) > 1:
        on_held_out = _top1(Ranker(settings, numbers, draws, encoder).rank(train.take(held_out)))
        chosen = best(on_held_out, higher_is_better=True)

    classifier = Ranker(settings, numbers, training_draws(train, settings.data), encoder)
    on_val = classifier.rank(val)
    selection = None
    if on_held_out is not None:
        candidates = [{"k": number} for number in numbers]
        selection = selected(
            candidates, chosen, on_held_out, _top1(on_val), train=settings.data.train, images=len(held_out)
        )

    def others(images: LabelledFeatures) -> list[Ranked]:
        return [one[chosen] for one in classifier.rank(images)]

    tries = [one[chosen] for one in on_val]
    return outcome(tries, train, val, selection, score_extras(extras, tries, others))


class Ranker:
    """kNN classifiers, one per try, each for all k.

    Args:
        settings: The protocol.
        numbers: Numbers of neighbours.
        tries: Training images of each.
        encoder: Device and processes.
    """

    def __init__(
        self, settings: KnnProtocol, numbers: list[int], tries: list[LabelledFeatures], encoder: FrozenBackbone
    ) -> None:
        self.numbers = numbers
        self._encoder = encoder
        self._classifiers = [
            KNNClassifier(numbers, settings.knn.temperature, device=encoder.device).fit(
                images.cls(), images.labels, num_classes=images.num_classes
            )
            for images in tries
        ]

    def rank(self, queries: LabelledFeatures) -> list[list[Ranked]]:
        """Ranks the classes of images by try and k; the processes share the images."""
        return [self._rank(classifier, queries) for classifier in self._classifiers]

    def _rank(self, classifier: KNNClassifier, queries: LabelledFeatures) -> list[Ranked]:
        device = self._encoder.device

        def share(rows: Tensor) -> tuple[Tensor, Tensor]:
            mine = queries.take(rows)
            labels, parts = mine.labels.to(device), []
            for votes in classifier.votes(mine.cls()):
                count = len(votes[self.numbers[0]])
                pairs = [_ranked_votes(votes[number], labels[:count]) for number in self.numbers]
                parts.append([torch.stack(both, 1) for both in zip(*pairs, strict=True)])
                labels = labels[count:]
            prediction, rank = (torch.cat(part) for part in zip(*parts, strict=True))
            return prediction, rank

        prediction, rank = share_out(share, len(queries), len(self.numbers), self._encoder)
        return [Ranked(prediction[:, place], rank[:, place]) for place in range(len(self.numbers))]


def _ranked_votes(votes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Ranks classes by votes (N, C); a class without any is not a hit at any rank."""
    return votes.argmax(1), ranks(votes.masked_fill(votes == 0, torch.nan), labels)


def _numbers(settings: KnnProtocol, tries: list[LabelledFeatures]) -> list[int]:
    """Returns the numbers of neighbours, none above the training images there are (of a class, if few-shot)."""
    most = min(*map(len, tries), settings.data.n_per_class or len(tries[0]))
    return sorted({min(number, most) for number in settings.knn.k})


def _top1(tries: list[list[Ranked]]) -> list[float]:
    """Returns the accuracy of each k, percent, averaged over tries."""
    return np.mean([[one.top1 for one in found] for found in tries], axis=0).tolist()


RUNNER = labelled_runner(run_knn)
