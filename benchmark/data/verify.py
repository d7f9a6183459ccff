"""The data doctor: reads every file of a dataset and says what is there, what is wrong, and what it is good for."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.catalog import ClassLabels, Dataset, DepthLabels, FurtherSets, Pair, SplitFiles, find_dataset
from benchmark.data.class_folders import class_differences
from benchmark.data.class_names import class_name
from benchmark.data.decoding import unit_problem
from benchmark.data.folders import readable
from benchmark.data.inspection import DepthRange, Inspection, inspect
from benchmark.data.manifest import Entry, Manifest, digest_splits
from benchmark.data.variants import name_variant
from benchmark.data.verify_text import print_report
from benchmark.progress import Progress

_AT_ONCE = 512  # pairs that are given to the threads in one go; ImageNet has a million
_EXAMPLES = 3


@dataclass(frozen=True)
class ClassCount:
    """One class in one split."""

    id: int
    """Class id, counted from 0, as it is scored."""

    name: str
    pixels: int
    images: int


@dataclass(frozen=True)
class DepthSummary:
    """Depth maps of one split, in metres."""

    valid: float
    """Mean share of pixels with a measurement, over maps that have any."""

    lowest: float
    median: float
    """Median of the maps' medians."""

    highest: float
    without: int
    """Maps without any measurement."""


@dataclass(frozen=True)
class Remark:
    """Something unusual that does no harm by itself."""

    kind: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class SplitReport:
    """What one split holds."""

    name: str
    images: int
    official: int
    readable: int
    """Images that could be read together with their label."""

    smallest: tuple[int, int] | None
    """Width and height of the image with the fewest pixels."""

    largest: tuple[int, int] | None
    classes: tuple[ClassCount, ...] | None = None
    ignored_share: float | None = None
    """Share of label pixels that are not scored."""

    depth: DepthSummary | None = None
    folders: dict[str, int] | None = None
    """Images of each class folder."""

    remarks: tuple[Remark, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a dataset holds and whether it can be used."""

    name: str
    title: str
    root: str
    splits: tuple[SplitReport, ...]
    variant: str
    comparable: bool
    """Whether scores on it can stand beside published ones."""

    fingerprint: str | None
    """That of the splits a benchmark uses, all samples; None where a file could not be read."""

    problems: tuple[str, ...]
    files: int
    seconds: float
    notes: tuple[str, ...] = ()
    """What is to be said of further test sets."""

    @property
    def usable(self) -> bool:
        """Whether a benchmark can run on it."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Returns everything as plain values."""
        return {**asdict(self), "usable": self.usable}


@dataclass
class _Tally:
    """What is added up over the pairs of a split."""

    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    readable: int = 0
    pixels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    images: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    depths: list[DepthRange] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    remark_counts: Counter[str] = field(default_factory=Counter)
    entries: list[Entry] = field(default_factory=list)
    images_by_hash: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check_data(name: str, data_root: Path, *, quiet: bool = False) -> Report:
    """Checks a dataset and prints what was found.

    Args:
        name: Dataset, as on the command line.
        data_root: Folder that holds all datasets.
        quiet: Print nothing.

    Returns:
        What was found; a benchmark can run on it where it is ``usable``.

    Raises:
        UsageError: An unknown dataset.
    """
    report = examine(find_dataset(name), data_root)
    if not quiet:
        print_report(report)
    return report


def examine(dataset: Dataset, data_root: Path, *, workers: int | None = None) -> Report:
    """Reads every file of a dataset; see `check_data`."""
    begun = time.monotonic()
    root = dataset.root(data_root)
    with readable():
        there = root.is_dir()
    if not there:
        problem = f"there is no {root}; 'densebench data {dataset.name}' tells how to get it"
        return Report(dataset.name, dataset.title, str(root), (), "missing", False, None, (problem,), 0, 0.0)
    with readable():
        splits = dataset.read(root)
    problems = [*_missing_splits(dataset, splits, root), *_overlaps(splits), *_class_differences(dataset, splits)]
    sound = not problems and not any(split.problems for split in splits)
    with readable():
        further = dataset.further(data_root) if sound else FurtherSets()
    manifest = Manifest(root)
    tallies = _read_everything(dataset, splits, manifest, workers)
    for split, tally in zip(splits, tallies, strict=True):
        tally.entries += manifest.hashes(split.label_files, fresh=True, quiet=True)
    manifest.save()
    reports = []
    for split, tally in zip(splits, tallies, strict=True):
        problems += [*split.problems, *tally.problems]
        if not split.pairs:
            problems.append(f"{split.source}: no image of split {split.name!r}")
        summary = _summary(dataset, split, tally)
        problems += [*_unit_problems(dataset, summary), *_empty_problems(dataset, summary)]
        reports.append(summary)
    others = [_read_further(dataset, *one, workers) for one in further.splits]
    problems += [*further.problems, *(problem for _, tally in others for problem in tally.problems)]
    variant = name_variant(
        dataset.name,
        dataset.title,
        {split.name: (len(split.pairs), split.official) for split in splits} or {"any": (0, 1)},
        optional=[split.name for split in splits if split.optional],
        rendered=(data_root / dataset.name / "SYNTHETIC.json").is_file(),
    )
    return Report(
        dataset.name,
        dataset.title,
        str(root),
        (*_with_duplicates(reports, tallies), *(summary for summary, _ in others)),
        variant.text,
        variant.comparable and not problems,
        _fingerprint(splits, tallies),
        tuple(dict.fromkeys(problems)),
        sum(len(tally.entries) for tally in (*tallies, *(tally for _, tally in others))),
        time.monotonic() - begun,
        further.notes,
    )


def _read_further(dataset: Dataset, root: Path, split: SplitFiles, workers: int | None) -> tuple[SplitReport, _Tally]:
    """Reads a further test set, whose files belong to a dataset of their own."""
    manifest = Manifest(root)
    [tally] = _read_everything(dataset, [split], manifest, workers)
    manifest.save()
    return _summary(dataset, split, tally), tally


def _missing_splits(dataset: Dataset, splits: Sequence[SplitFiles], root: Path) -> list[str]:
    """Names the splits the dataset's file promises and the folder lacks."""
    there = {split.name for split in splits}
    return [
        f"{root} lacks the folders or the list of {name!r}; 'densebench data {dataset.name}' tells what belongs there"
        for name in dataset.splits
        if name not in there
    ]


def _overlaps(splits: Sequence[SplitFiles]) -> list[str]:
    """Names images that are trained on and tested on."""
    tested = [split for split in splits if split.name == "val"]
    problems = []
    for test, other in itertools.product(tested, splits):
        if other in tested:
            continue
        shared = sorted({pair.image for pair in test.pairs} & {pair.image for pair in other.pairs})
        if shared:
            problems.append(f"{len(shared):,} images are in both {other.name!r} and {test.name!r}: {shared[0]}")
    return problems


def _class_differences(dataset: Dataset, splits: Sequence[SplitFiles]) -> list[str]:
    if dataset.labels is not None or len(splits) < 2:
        return []
    train, val = ({pair.category for pair in split.pairs} for split in splits[:2])
    return class_differences(train, val) if train and val else []


def _read_everything(
    dataset: Dataset, splits: Sequence[SplitFiles], manifest: Manifest, workers: int | None
) -> list[_Tally]:
    """Reads the pairs of all splits; one that several splits share is read once."""
    pairs = list(dict.fromkeys(pair for split in splits for pair in split.pairs))
    members: dict[Pair, list[_Tally]] = {pair: [] for pair in pairs}
    tallies = [_Tally() for _ in splits]
    for split, tally in zip(splits, tallies, strict=True):
        for pair in split.pairs:
            members[pair].append(tally)
    progress = Progress(len(pairs), f"reading {dataset.name}", quiet=not pairs)
    # Decoding, hashing and counting release the interpreter: threads scale here, and cost nothing to start.
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        for batch in _batches(pairs):
            found = pool.map(lambda pair: inspect(pair, dataset.labels, manifest), batch)
            for pair, inspection in zip(batch, found, strict=True):
                for entry in inspection.entries:
                    manifest.learn(entry)
                for tally in members[pair]:
                    _add(tally, pair, inspection, manifest.root)
                progress.advance()
    finally:
        pool.shutdown(cancel_futures=True)
    progress.close()
    return tallies


def _batches(pairs: list[Pair]) -> Iterator[list[Pair]]:
    for start in range(0, len(pairs), _AT_ONCE):
        yield pairs[start : start + _AT_ONCE]


def _add(tally: _Tally, pair: Pair, found: Inspection, root: Path) -> None:
    image, same = pair.image.relative_to(root).as_posix(), False
    tally.problems += found.problems
    tally.entries += found.entries
    tally.readable += not found.problems
    if found.size is not None:
        tally.sizes[found.size[0] * found.size[1]] = found.size
        tally.sizes = {area: tally.sizes[area] for area in (min(tally.sizes), max(tally.sizes))}
        same = tally.images_by_hash.setdefault(found.entries[0].sha256, image) != image
    if found.histogram is not None:
        tally.pixels += found.histogram
        tally.images += found.histogram > 0
    if found.depth is not None:
        tally.depths.append(found.depth)
    remarks = [
        *found.remarks,
        *(["without any depth"] if found.without_depth else []),
        *(["identical to another image of the split"] if same else []),
    ]
    for kind in remarks:
        tally.remark_counts[kind] += 1
        examples = tally.remarks.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(image)


def _summary(dataset: Dataset, split: SplitFiles, tally: _Tally) -> SplitReport:
    sizes = [tally.sizes[area] for area in sorted(tally.sizes)]
    classes, ignored, depth, folders = None, None, None, None
    if isinstance(dataset.labels, ClassLabels) and tally.pixels.sum():
        classes = _classes(dataset.name, dataset.labels, tally)
        ignored = float(tally.pixels[sorted(dataset.labels.ignored)].sum() / tally.pixels.sum())
    if tally.depths:
        depth = DepthSummary(
            valid=float(np.mean([depth.valid for depth in tally.depths])),
            lowest=min(depth.lowest for depth in tally.depths),
            median=float(np.median([depth.median for depth in tally.depths])),
            highest=max(depth.highest for depth in tally.depths),
            without=tally.remark_counts["without any depth"],
        )
    if dataset.labels is None:
        folders = dict(Counter(pair.category for pair in split.pairs))
    remarks = [Remark(kind, n, tuple(tally.remarks[kind])) for kind, n in tally.remark_counts.most_common()]
    return SplitReport(
        split.name,
        len(split.pairs),
        split.official,
        tally.readable,
        sizes[0] if sizes else None,
        sizes[-1] if sizes else None,
        classes,
        ignored,
        depth,
        folders,
        tuple(remarks),
        split.notes,
    )


def _classes(dataset: str, labels: ClassLabels, tally: _Tally) -> tuple[ClassCount, ...]:
    return tuple(
        ClassCount(
            number,
            class_name(dataset, number),
            int(tally.pixels[labels.first + number]),
            int(tally.images[labels.first + number]),
        )
        for number in range(labels.count)
    )


def _unit_problems(dataset: Dataset, summary: SplitReport) -> list[str]:
    if summary.depth is None or not isinstance(dataset.labels, DepthLabels):
        return []
    problem = unit_problem(summary.depth.median, dataset.labels.usual_median)
    return [f"{summary.name}: {problem}"] if problem else []


def _empty_problems(dataset: Dataset, summary: SplitReport) -> list[str]:
    """Names a split whose maps could be read and hold nothing that is scored or trained on."""
    if summary.readable == 0:
        return []
    if isinstance(dataset.labels, ClassLabels) and not any(one.pixels for one in summary.classes or ()):
        return [f"{summary.name}: no pixel of its {summary.readable:,} label maps holds a class, all are ignored"]
    if isinstance(dataset.labels, DepthLabels) and summary.depth is None:
        return [f"{summary.name}: no pixel of its {summary.readable:,} depth maps holds a measurement"]
    return []


def _with_duplicates(reports: Sequence[SplitReport], tallies: Sequence[_Tally]) -> Iterator[SplitReport]:
    """Adds a remark about val images whose bytes are those of a training image."""
    for report, tally in zip(reports, tallies, strict=True):
        same = []
        if report.name == "val":
            for other, others in zip(reports, tallies, strict=True):
                if other.name != "val":
                    same += [tally.images_by_hash[key] for key in tally.images_by_hash.keys() & others.images_by_hash]
        same = sorted(set(same))
        extra = [Remark("identical to a training image", len(same), tuple(same[:_EXAMPLES]))] if same else []
        yield SplitReport(**{**vars(report), "remarks": (*report.remarks, *extra)})


def _fingerprint(splits: Sequence[SplitFiles], tallies: Sequence[_Tally]) -> str | None:
    """Returns the fingerprint a record on the whole dataset will carry."""
    chosen = {split.name: tally.entries for split, tally in zip(splits, tallies, strict=True) if not split.optional}
    whole = all(
        len(tally.entries) == len(split.label_files) + sum(1 + (pair.label is not None) for pair in split.pairs)
        for split, tally in zip(splits, tallies, strict=True)
    )
    return digest_splits(chosen) if chosen and whole else None
