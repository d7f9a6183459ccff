"""Linear segmentation: what it adds to the common flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.backbones.spec import BackboneSpec
from benchmark.data.label_encoding import IGNORE_INDEX
from benchmark.data.segmentation import SegmentationSplit
from benchmark.features.frozen import FrozenFeatures
from benchmark.metric import MIOU
from benchmark.metrics import confusion_matrix
from benchmark.metrics.iou import scores_from_areas
from benchmark.probing.dense import dense_runner
from benchmark.probing.gallery import rgb
from benchmark.probing.run_record import Cell
from benchmark.probing.sliding_window import WindowAssembly, Windows
from benchmark.probing.train import Probe
from benchmark.probing.training_features import Batch
from benchmark.protocols.segmentation import SegmentationProtocol
from benchmark.records.per_image import CLASS_COUNTS
from benchmark.samples.segmentation import SegmentationSample, test_sample, train_sample
from heads import LinearSegmentationHead, upsampled_cross_entropy


class SegmentationTask:
    """Linear segmentation, scored by mIoU over sliding windows; see ``probing/dense.py``.

    Statistics of an image are, per class, the pixels of intersection, prediction and label, at the labels' own
    resolution, ignored pixels left out: int64 (3, C).

    Args:
        settings: The protocol.
        spec: Patch size and preprocessing of the backbone.
        num_classes: Number of classes C.
    """

    metric = MIOU
    scored_pixel = known_pixel = "is labelled"
    gallery_kind = "labels"

    def __init__(self, settings: SegmentationProtocol, spec: BackboneSpec, num_classes: int) -> None:
        self.settings = settings
        self.num_classes = num_classes
        self.statistics_shape = (3, num_classes)
        self.statistics_dtype = torch.int64
        self._preprocessing = spec.preprocessing
        test = settings.test
        self._windows = Windows(test.window, test.stride, spec.patch_size, test.crop_padding)

    def make_head(self, features: FrozenFeatures) -> LinearSegmentationHead:
        """Makes a head with fresh weights."""
        return LinearSegmentationHead(features.dim, self.num_classes, dropout=self.settings.head.dropout)

    def train_sample(self, split: SegmentationSplit) -> Callable[[int], SegmentationSample]:
        """Returns a function from an index to an augmented sample."""
        return train_sample(split, self.settings.train, self._preprocessing)

    def test_sample(self, split: SegmentationSplit) -> Callable[[int], SegmentationSample]:
        """Returns a function from an index to a resized image with labels at their own size."""
        return test_sample(split, self.settings.test, self._preprocessing)

    def target(self, sample: SegmentationSample) -> Tensor:
        """Returns the labels (H, W) of a sample."""
        return sample.labels

    def known(self, target: Tensor) -> Tensor:
        """Returns the labels (n,) of the pixels that have one."""
        return target[target != IGNORE_INDEX]

    def scored(self, target: Tensor) -> bool:
        """Tells whether some pixel is scored."""
        return self.known(target).numel() > 0

    def collate(self, samples: list[SegmentationSample]) -> Batch:
        """Puts samples into a batch; the target is (B, H, W) labels."""
        return Batch(
            images=torch.stack([sample.image for sample in samples]),
            target=torch.stack([sample.labels for sample in samples]),
        )

    def loss(self, prediction: Tensor, target: Tensor, _update: int) -> Tensor:
        """Returns the cross-entropy of logits upsampled to the labels."""
        return upsampled_cross_entropy(
            prediction, target, ignore_index=IGNORE_INDEX, average=self.settings.loss.average
        )

    @torch.no_grad()
    def measure(self, sample: SegmentationSample, probes: list[Probe], features: FrozenFeatures) -> Tensor:
        """Returns the counts (probes, 3, C) of one image, int64."""
        head_inputs = features.head_inputs(self._windows.cut(sample.image))
        labels = sample.labels.to(features.device, torch.int64)
        assembly = self._assembly(sample, features.device)
        return torch.stack([self._areas(probe.head(*head_inputs), labels, assembly) for probe in probes])

    @torch.no_grad()
    def picture(self, sample: SegmentationSample, probe: Probe, features: FrozenFeatures) -> tuple[NDArray, ...]:
        """Returns image, labels and predicted labels, to be looked at."""
        logits = probe.head(*features.head_inputs(self._windows.cut(sample.image)))
        predicted = self._assembly(sample, features.device).labels(logits)
        return rgb(sample.image, self._preprocessing), sample.labels.numpy(), predicted.byte().cpu().numpy()

    def _assembly(self, sample: SegmentationSample, device: torch.device) -> WindowAssembly:
        return WindowAssembly.of(self._windows, tuple(sample.image.shape[-2:]), tuple(sample.labels.shape), device)

    def _areas(self, logits: Tensor, labels: Tensor, assembly: WindowAssembly) -> Tensor:
        confusion = confusion_matrix(
            labels, assembly.labels(logits), num_classes=self.num_classes, ignore_index=IGNORE_INDEX
        )
        return torch.stack((confusion.diagonal(), confusion.sum(0), confusion.sum(1)))

    def score(self, statistics: np.ndarray) -> float:
        """Returns the mIoU of counts (images, 3, C), percent."""
        return 100 * scores_from_areas(*statistics.sum(0))["miou"]

    def metrics(self, statistics: np.ndarray) -> dict[str, Any]:
        """Scores counts (seeds, images, 3, C); the mean over seeds is what counts, IoU per class too."""
        scores = [scores_from_areas(*counts.sum(0)) for counts in statistics]
        per_class = 100 * np.array([score["per_class_iou"] for score in scores])
        mious = [100 * score["miou"] for score in scores]
        return {
            "miou": float(np.mean(mious)),
            "miou_seeds": mious,
            "pixel_accuracy": float(100 * np.mean([score["pixel_accuracy"] for score in scores])),
            "mean_accuracy": float(100 * np.mean([score["mean_accuracy"] for score in scores])),
            "classes_scored": int(np.isfinite(per_class).all(0).sum()),
            "per_class_iou": [None if np.isnan(value) else value for value in per_class.mean(0).tolist()],
        }

    def per_image(self, names: list[str], statistics: np.ndarray) -> pd.DataFrame:
        """Flattens counts (seeds, images, 3, C) to rows of what occurs."""
        seed, image, category = statistics.any(2).nonzero()
        intersection, prediction, label = statistics[seed, image, :, category].T
        return CLASS_COUNTS.table(
            {
                "image": np.asarray(names)[image],
                "head_seed": seed,
                "class": category,
                "intersection": intersection,
                "prediction": prediction,
                "label": label,
            }
        )


def _task(settings: SegmentationProtocol, cell: Cell) -> SegmentationTask:
    return SegmentationTask(settings, cell.backbone.spec, cell.data.val.dataset.num_classes)


RUNNER = dense_runner(_task)
