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

import numpy as np

from benchmark.data.dataset import Dataset
from benchmark.data.folders import readable
from benchmark.data.label_encoding import IGNORE_INDEX
from benchmark.data.manifest import FileHash, Manifest, digest_splits
from benchmark.data.map_content import DepthRange
from benchmark.data.split_files import FurtherSets, Pair, SplitFiles
from benchmark.doctor.data_report import ClassCount, DataReport, DepthSummary, Remark, SplitReport
from benchmark.doctor.data_text import print_report
from benchmark.doctor.inspection import Inspection, inspect
from benchmark.doctor.variants import name_variant
from benchmark.progress import Progress

_AT_ONCE = 512  # pairs that are given to the threads in one go; ImageNet has a million
_EXAMPLES = 3


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
    entries: list[FileHash] = field(default_factory=list)
    images_by_hash: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check_data(dataset: Dataset, data_root: Path, *, quiet: bool = False) -> DataReport:
    """Checks a dataset and prints what was found.

    Args:
        dataset: The dataset.
        data_root: Folder that holds all datasets.
        quiet: Print nothing.

    Returns:
        What was found; a benchmark can run on it where it is ``usable``.
    """
    report = examine(dataset, data_root)
    if not quiet:
        print_report(report)
    return report


def examine(dataset: Dataset, data_root: Path, *, workers: int | None = None) -> DataReport:
    """Reads every file of a dataset; see `check_data`."""
    begun = time.monotonic()
    root = dataset.root(data_root)
    with readable():
        there = root.is_dir()
    if not there:
        problem = f"there is no {root}; {dataset.advice}"
        return DataReport(dataset.name, dataset.title, str(root), (), "missing", False, None, (problem,), 0, 0.0)
    with readable():
        splits = dataset.read_splits(root)
    problems = [*_missing_splits(dataset, splits, root), *_overlaps(splits), *dataset.split_differences(splits)]
    sound = not problems and not any(split.problems for split in splits)
    with readable():
        further = dataset.further_sets(data_root) if sound else FurtherSets()
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
        dataset,
        {split.name: (len(split.pairs), split.official) for split in splits} or {"any": (0, 1)},
        optional=[split.name for split in splits if split.optional],
        rendered=(data_root / dataset.name / "SYNTHETIC.json").is_file(),
    )
    return DataReport(
        dataset.name,
        dataset.title,
        str(root),
        (*_with_duplicates(reports, tallies), *(summary for summary, _ in others)),
        variant.text,
        variant.comparable and not problems,
        _fingerprint(dataset, splits, tallies),
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
    promised = dataset.needed if dataset.description is None else tuple(dataset.splits)
    return [
        f"{root} lacks the folders or the list of {name!r}; {dataset.advice}" for name in promised if name not in there
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
            found = pool.map(lambda pair: inspect(pair, dataset, manifest), batch)
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
    if found.content.histogram is not None:
        tally.pixels += found.content.histogram
        tally.images += found.content.histogram > 0
    if found.content.depth is not None:
        tally.depths.append(found.content.depth)
    remarks = [
        *found.remarks,
        *(["without any depth"] if found.content.without_depth else []),
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
    if tally.pixels.any():
        classes = _classes(dataset, tally)
        ignored = float(tally.pixels[IGNORE_INDEX] / tally.pixels.sum())
    if tally.depths:
        depth = DepthSummary(**asdict(DepthRange.over(tally.depths)), without=tally.remark_counts["without any depth"])
    if dataset.map_name is None:
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


def _classes(dataset: Dataset, tally: _Tally) -> tuple[ClassCount, ...]:
    return tuple(
        ClassCount(number, dataset.class_name(number), int(tally.pixels[number]), int(tally.images[number]))
        for number in range(dataset.num_classes)
    )


def _unit_problems(dataset: Dataset, summary: SplitReport) -> list[str]:
    depth = summary.depth
    if depth is None:
        return []
    problem = dataset.unit_problem(DepthRange(depth.valid, depth.lowest, depth.median, depth.highest))
    return [f"{summary.name}: {problem}"] if problem else []


def _empty_problems(dataset: Dataset, summary: SplitReport) -> list[str]:
    """Names a split whose maps could be read and hold nothing that is scored or trained on."""
    if summary.readable == 0 or dataset.map_name is None:
        return []
    if summary.depth is not None or any(one.pixels for one in summary.classes or ()):
        return []
    return [f"{summary.name}: no pixel of its {summary.readable:,} {dataset.map_name}s {dataset.empty_map}"]


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


def _fingerprint(dataset: Dataset, splits: Sequence[SplitFiles], tallies: Sequence[_Tally]) -> str | None:
    """Returns the fingerprint a record on the whole dataset will carry."""
    chosen = {split.name: tally.entries for split, tally in zip(splits, tallies, strict=True) if not split.optional}
    whole = all(
        len(tally.entries) == len(split.label_files) + sum(1 + (pair.label is not None) for pair in split.pairs)
        for split, tally in zip(splits, tallies, strict=True)
    )
    return dataset.fingerprint(digest_splits(chosen)) if chosen and whole else None
