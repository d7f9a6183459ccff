"""The two splits a cell works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.benchmarks import BENCHMARKS
from benchmark.data import DATASETS, ClassificationLayout
from benchmark.data.classification import ClassificationSplit, refuse_other_classes
from benchmark.data.depth import DepthSplit
from benchmark.data.extra_sets import ExtraSet, extra_sets
from benchmark.data.segmentation import SegmentationSplit
from benchmark.data.split import Split, data_fingerprint, refuse_overlap
from benchmark.protocols import DepthProtocol, Protocol


@dataclass(frozen=True)
class Splits:
    """What probes are trained on and what they are scored on."""

    train: Split
    val: Split
    extras: tuple[ExtraSet, ...] = ()
    """Further test sets for the same heads."""
    notes: tuple[str, ...] = ()
    """What lists and folders hold that was passed over, and why further test sets that are there cannot be scored."""

    @property
    def fingerprint(self) -> str:
        """Hash of names and contents of all files."""
        return data_fingerprint([self.train, self.val])


def open_splits(protocol: Protocol, data_root: Path, limit: int | None) -> Splits:
    """Finds the files of a protocol's splits; a zero-shot benchmark trains on another dataset's.

    Args:
        protocol: What is asked.
        data_root: Folder that holds all datasets.
        limit: First images of each split only; of class folders, so many spread evenly over the classes.

    Raises:
        DataError: Something is missing, an image is listed twice or in both splits, a class is in one of them only, or
            a label or depth map is of a kind that cannot hold any.
    """
    settings, layout = protocol.settings, DATASETS[BENCHMARKS[protocol.benchmark].dataset]
    if isinstance(layout, ClassificationLayout):
        train, val = (
            ClassificationSplit(layout, data_root, name, limit=limit)
            for name in (settings.data.train, settings.data.val)
        )
        refuse_other_classes(train, val)
        refuse_overlap(train, val)
        extras, notes = extra_sets(data_root, train, val, limit=limit)
        further = [note for extra in extras for note in extra.split.notes]
        return Splits(train, val, tuple(extras), (*train.notes, *val.notes, *further, *notes))
    if isinstance(settings, DepthProtocol):
        kind, trained_on = DepthSplit, DATASETS[settings.data.trained_on]
    else:
        kind, trained_on = SegmentationSplit, layout
    train = kind(trained_on, data_root, settings.data.train, limit=limit)
    val = kind(layout, data_root, settings.data.val, limit=limit)
    refuse_overlap(train, val)
    for split in (train, val):
        split.refuse_unfit_maps()
    return Splits(train, val, notes=(*train.notes, *val.notes))
