"""Linear segmentation of one checkpoint on one dataset, from images to mIoU.

Reads top to bottom like the protocol: splits, probes, training, sliding-window scoring, selection, scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.data.layout import SegmentationLayout
from benchmark.data.segmentation import (
    IGNORE_INDEX,
    SegmentationSample,
    SegmentationSplit,
    test_sample,
    train_sample,
)
from benchmark.data.split import data_fingerprint, refuse_overlap
from benchmark.errors import DataError, DivergedError
from benchmark.metrics import confusion_matrix
from benchmark.metrics.iou import scores_from_areas
from benchmark.probing.features import FrozenFeatures
from benchmark.probing.loader import ordered_samples, training_batches
from benchmark.probing.outcome import Outcome
from benchmark.probing.resume import ResumeFile
from benchmark.probing.selection import Candidate, best, candidates, hold_out
from benchmark.probing.sliding_window import WindowAssembly, Windows
from benchmark.probing.train import Batch, Probe, seed_torch, train_probes
from benchmark.progress import Progress
from benchmark.protocols import SegmentationProtocol
from heads import LinearSegmentationHead, upsampled_cross_entropy


@dataclass(frozen=True)
class SegmentationData:
    """The two splits of a cell."""

    train: SegmentationSplit
    val: SegmentationSplit

    @classmethod
    def open(
        cls, layout: SegmentationLayout, data_root: Path, protocol: SegmentationProtocol, limit: int | None
    ) -> SegmentationData:
        """Finds the files; raises DataError where something is missing."""
        train, val = (
            SegmentationSplit(layout, data_root, split, limit=limit)
            for split in (protocol.data.train, protocol.data.val)
        )
        refuse_overlap(train, val)
        return cls(train, val)

    @property
    def fingerprint(self) -> str:
        """Hash of names and contents of all files."""
        return data_fingerprint([self.train, self.val])


def run_segmentation(
    protocol: SegmentationProtocol,
    data: SegmentationData,
    features: FrozenFeatures,
    *,
    seed: int,
    resume: ResumeFile,
    label: str,
    workers: int = 0,
) -> Outcome:
    """Trains the protocol's probes on frozen features and scores them.

    Args:
        protocol: What to do.
        data: Where the images are.
        features: The frozen backbone.
        seed: Seed of order, augmentation, initial heads and held-out images.
        resume: Where the training state is kept.
        label: What progress lines begin with.
        workers: Loader processes.

    Raises:
        DataError: A damaged or unsuitable file, found when it is read.
    """
    sweep = candidates(protocol.probes)
    everything = list(range(len(data.train)))
    fit, held_out = hold_out(len(data.train), protocol.selection.holdout, seed) if len(sweep) > 1 else (everything, [])
    probes = _make_probes(protocol, data.train.layout.num_classes, features, seed)
    preprocessing = features.backbone.spec.preprocessing

    load = train_sample(data.train, protocol.train, preprocessing)
    train_probes(
        probes,
        lambda steps: training_batches(
            lambda index: load(fit[index]),
            _collate,
            size=len(fit),
            batch_size=protocol.train.batch_size,
            seed=seed,
            steps=steps,
            world=features.world,
            workers=workers,
        ),
        features,
        lambda logits, labels: upsampled_cross_entropy(
            logits, labels, ignore_index=IGNORE_INDEX, average=protocol.loss.average
        ),
        batch_size=protocol.train.batch_size,
        iterations=protocol.train.iterations,
        optimizer=protocol.optimizer,
        schedule=protocol.schedule,
        resume=resume,
        label=f"{label} train",
    )

    diverged = [not all(tensor.isfinite().all() for tensor in probe.head.parameters()) for probe in probes]

    def score(split: SegmentationSplit, indices: list[int], what: str) -> np.ndarray:
        mine = features.world.share(indices)
        samples = ordered_samples(test_sample(split, protocol.test, preprocessing), mine, workers=workers)
        progress = Progress(len(mine), f"{label} {what}", quiet=not features.world.leads)
        return count_areas(
            probes, samples, features, protocol, split.layout.num_classes, total=len(indices), progress=progress
        )

    chosen, on_held_out = 0, None
    if held_out:
        on_held_out = _candidate_scores(score(data.train, held_out, "held-out train"), diverged, protocol.probes.seeds)
        chosen = best(on_held_out, higher_is_better=True)
    if np.reshape(diverged, (len(sweep), -1))[chosen].any():
        raise DivergedError(f"training diverged at lr {sweep[chosen].lr:g}: the weights are not finite")
    areas = score(data.val, list(range(len(data.val))), "val")
    selection = None
    if on_held_out is not None:
        on_val = _candidate_scores(areas, diverged, protocol.probes.seeds)
        selection = _selection(sweep, chosen, on_held_out, on_val)
        selection = {"on": f"held-out {protocol.data.train}", "images": len(held_out), **selection}
    kept = areas.reshape(len(sweep), protocol.probes.seeds, *areas.shape[1:])[chosen]
    if not kept[:, :, 2].any():
        raise DataError(f"{data.val.layout.name}: no pixel of split {data.val.name!r} is labelled; there is no score")
    metrics = _metrics(kept)
    return Outcome(metrics, metrics["miou"], selection, _per_image(data.val.names, kept))


def count_areas(
    probes: Sequence[Probe],
    samples: Iterator[SegmentationSample],
    features: FrozenFeatures,
    protocol: SegmentationProtocol,
    num_classes: int,
    *,
    total: int,
    progress: Progress,
) -> np.ndarray:
    """Predicts every image with every probe, one backbone pass for all.

    Args:
        probes: Trained heads.
        samples: This process's share of the images.
        features: The frozen backbone.
        protocol: Windows.
        num_classes: Number of classes C.
        total: Images of all processes.
        progress: Counts the images.

    Returns:
        int64 (probes, images, 3, C): per class the pixels of intersection, prediction and label, at the labels' own
        resolution, ignored pixels left out.
    """
    windows = Windows(
        protocol.test.window, protocol.test.stride, features.backbone.spec.patch_size, protocol.test.crop_padding
    )
    areas = [torch.empty(0, len(probes), 3, num_classes, dtype=torch.int64, device=features.device)]
    for sample in samples:
        seen = features(windows.cut(sample.image))
        labels = sample.labels.to(seen.device, torch.int64)
        size, size_out = sample.image.shape[-2:], labels.shape
        assembly = WindowAssembly.of(windows, tuple(size), tuple(size_out), seen.device)
        areas.append(torch.stack([_areas(probe, seen, labels, assembly, num_classes) for probe in probes])[None])
        progress.advance()
    progress.close()
    return features.world.gather(torch.cat(areas), total).transpose(0, 1).cpu().numpy()


@torch.no_grad()
def _areas(probe: Probe, features: Tensor, labels: Tensor, assembly: WindowAssembly, num_classes: int) -> Tensor:
    prediction = assembly.labels(probe.head(features))
    confusion = confusion_matrix(labels, prediction, num_classes=num_classes, ignore_index=IGNORE_INDEX)
    return torch.stack((confusion.diagonal(), confusion.sum(0), confusion.sum(1)))


def _make_probes(protocol: SegmentationProtocol, num_classes: int, features: FrozenFeatures, seed: int) -> list[Probe]:
    """Makes the heads, candidate by candidate and seed by seed; equal seeds start from equal weights."""
    probes = []
    for candidate in candidates(protocol.probes):
        for number in range(protocol.probes.seeds):
            seed_torch(seed, number)
            head = LinearSegmentationHead(features.dim, num_classes, dropout=protocol.head.dropout)
            probes.append(Probe(candidate.lr, candidate.weight_decay, (seed, number), head.to(features.device)))
    return probes


def _collate(samples: list[SegmentationSample]) -> Batch:
    return Batch(
        images=torch.stack([sample.image for sample in samples]),
        target=torch.stack([sample.labels for sample in samples]),
    )


def _miou(areas: np.ndarray) -> float:
    """Scores (images, 3, C) counts, percent."""
    return 100 * scores_from_areas(*areas.sum(0))["miou"]


def _candidate_scores(areas: np.ndarray, diverged: list[bool], seeds: int) -> list[float]:
    """Returns the mIoU of each candidate, the mean over its seeds; nan if one of them diverged."""
    scores = [math.nan if gone else _miou(probe) for probe, gone in zip(areas, diverged, strict=True)]
    return np.reshape(scores, (-1, seeds)).mean(1).tolist()


def _selection(sweep: list[Candidate], chosen: int, on_held_out: list[float], on_val: list[float]) -> dict[str, Any]:
    table = [
        {"lr": candidate.lr, "weight_decay": candidate.weight_decay, "miou_held_out": held, "miou_val": val}
        for candidate, held, val in zip(sweep, on_held_out, on_val, strict=True)
    ]
    best_on_val = table[best(on_val, higher_is_better=True)]
    return {"chosen": table[chosen], "best_on_val": best_on_val, "candidates": table}


def _metrics(areas: np.ndarray) -> dict[str, Any]:
    """Scores (seeds, images, 3, C) counts; the mean over seeds is what counts, IoU per class too."""
    scores = [scores_from_areas(*counts.sum(0)) for counts in areas]
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


def _per_image(names: list[str], areas: np.ndarray) -> pd.DataFrame:
    """Flattens (seeds, images, 3, C) counts to rows of what occurs."""
    seed, image, category = areas.any(2).nonzero()
    intersection, prediction, label = areas[seed, image, :, category].T
    return pd.DataFrame(
        {
            "image": np.asarray(names)[image],
            "head_seed": seed.astype(np.int16),
            "class": category.astype(np.int16),
            "intersection": intersection,
            "prediction": prediction,
            "label": label,
        }
    )
