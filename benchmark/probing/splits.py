"""The two splits a cell works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.data.extra_set import ExtraSet
from benchmark.data.split import Split, data_fingerprint, refuse_overlap
from benchmark.load_protocol import Protocol


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
        """Hash of names and contents of all files, and of what a description says they mean."""
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
    dataset, names = protocol.benchmark.dataset, protocol.settings.data
    train = protocol.trained_on.open(data_root, names.train, limit=limit)
    val = dataset.open(data_root, names.val, limit=limit)
    val.refuse_other_classes(train)
    refuse_overlap(train, val)
    for split in (train, val):
        split.refuse_unfit_maps()
    extras, reasons = dataset.open_further(data_root, train, val, limit)
    further = [note for extra in extras for note in extra.split.notes]
    return Splits(train, val, tuple(extras), (*train.notes, *val.notes, *further, *reasons))
