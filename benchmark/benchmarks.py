"""The table of benchmarks: every dataset with every kind of benchmark that is asked on datasets like it.

All that is derived from a benchmark (its column, how its score is printed, its protocols, its cost, what a page says of
it) is asked of its `Task` and its dataset. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmark.data.dataset import Dataset
from benchmark.data.description import SUFFIX, parse_description
from benchmark.data.own import dataset_of, read_dataset
from benchmark.data.registry import DATASETS
from benchmark.errors import DataError, UsageError, did_you_mean
from benchmark.metric import Metric
from benchmark.records.schema import Record
from benchmark.tasks import TASKS, DataSize, Task


@dataclass(frozen=True, eq=False, repr=False)
class Benchmark:
    """One column of the leaderboard."""

    task: Task
    """Its kind."""

    dataset: Dataset
    """Dataset it is scored on."""

    def __repr__(self) -> str:
        return f"<benchmark {self.name}>"

    @property
    def name(self) -> str:
        """Name on the command line and in records."""
        return f"{self.dataset.name}{self.task.suffix}"

    @property
    def word(self) -> str:
        """What names it on the command line: its name, or the description of data of one's own, ``birds.toml:knn``."""
        if self.dataset.description is None:
            return self.name
        path = str(self.dataset.path or f"{self.dataset.name}{SUFFIX}")
        return path if len(benchmarks_on(self.dataset)) == 1 else f"{path}:{self.task.name}"

    @property
    def metric(self) -> Metric:
        """Its primary metric."""
        return self.task.metric

    @property
    def group(self) -> str:
        """Name that stands for it and its like."""
        return self.task.group or self.dataset.name

    @property
    def column(self) -> str:
        """Its column in the leaderboard, ``ade20k_miou`` for example."""
        return f"{self.name.replace('-', '_')}_{self.metric.name}"

    @property
    def heading(self) -> str:
        """Heading of its column on a page, two lines."""
        return f"{self.name}\n{self.metric.title} {self.metric.unit}"

    @property
    def default_protocol(self) -> str:
        """Protocol that runs unless another is named."""
        return self.task.default_protocol

    @property
    def config_folders(self) -> tuple[str, ...]:
        """Folders of ``configs/`` its protocols are looked for in; the first that has one counts.

        The name of one's own data is not a folder of ours, whatever it is.
        """
        return (self.name, self.task.name) if self.dataset.description is None else (self.task.name,)

    @property
    def trained_on(self) -> Dataset:
        """Dataset of the training images; another than its own makes the benchmark a zero-shot one."""
        return DATASETS[self.dataset.trained_on] if self.dataset.trained_on is not None else self.dataset

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Datasets that must be there."""
        return tuple(dict.fromkeys((self.dataset, self.trained_on)))

    @property
    def size(self) -> DataSize | None:
        """How much data the official release has; None for a dataset of one's own."""
        if self.dataset.description is not None:
            return None
        return DataSize(self.trained_on.counts["train"], self.dataset.counts["val"], self.dataset.usual_size)

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Place among benchmarks: kinds in the order of `TASKS`, in them datasets by position, methods last."""
        like = [place for place, task in enumerate(TASKS) if task.datasets is self.task.datasets]
        return like[0], self.dataset.position, self.dataset.name, TASKS.index(self.task)


@dataclass(frozen=True)
class Average:
    """A column with the mean over the benchmarks of a group; empty until all are there."""

    name: str
    """``avg_seg_miou`` for example."""

    heading: str
    """Heading of its column on a page, two lines."""

    metric: Metric
    members: tuple[str, ...]
    """Names of benchmarks."""


def benchmarks_on(dataset: Dataset) -> list[Benchmark]:
    """Returns the benchmarks that a dataset makes."""
    return [Benchmark(task, dataset) for task in TASKS if isinstance(dataset, task.datasets)]


def in_order(benchmarks: Iterable[Benchmark]) -> dict[str, Benchmark]:
    """Returns benchmarks by name, each once, in the order of their columns."""
    return {each.name: each for each in sorted(benchmarks, key=lambda each: each.order)}


BENCHMARKS: Mapping[str, Benchmark] = in_order(each for dataset in DATASETS.values() for each in benchmarks_on(dataset))
"""The benchmarks that ship, by name."""


def groups() -> dict[str, list[str]]:
    """Returns the benchmarks of each group, ``all`` included."""
    names: dict[str, list[str]] = {}
    for benchmark in BENCHMARKS.values():
        names.setdefault(benchmark.group, []).append(benchmark.name)
    return {**names, "all": list(BENCHMARKS)}


def averages() -> list[Average]:
    """Returns the averages over groups of datasets that are averaged."""
    members: dict[str, list[Benchmark]] = {}
    for benchmark in BENCHMARKS.values():
        if benchmark.dataset.averaged:
            members.setdefault(benchmark.group, []).append(benchmark)
    return [
        Average(
            f"avg_{group}_{own[0].metric.name}",
            f"avg {group}\n{own[0].metric.title} {own[0].metric.unit}",
            own[0].metric,
            tuple(each.name for each in own),
        )
        for group, own in members.items()
    ]


def benchmark_of(record: Record) -> Benchmark | None:
    """Returns the benchmark of a record; None for one that this version does not know.

    A record on data of one's own holds the description, so that it needs no file beside it.
    """
    if record.data.description is None:
        return BENCHMARKS.get(record.benchmark)
    return _described(record.data.name, json.dumps(record.data.description, sort_keys=True)).get(record.benchmark)


@lru_cache(maxsize=256)
def _described(name: str, description: str) -> Mapping[str, Benchmark]:
    """Returns the benchmarks of a description that a record holds, by name; none where this version cannot read it."""
    try:
        dataset = dataset_of(name, parse_description(json.loads(description), name))
    except DataError:
        return {}
    return in_order(benchmarks_on(dataset))


def is_description(word: str) -> bool:
    """Tells whether a word is the path of a description of one's own data."""
    return word.lower().endswith(SUFFIX)


def find_dataset(word: str) -> Dataset:
    """Returns a dataset that ships, by name, or the one that a description file describes, by path.

    Raises:
        UsageError: There is none of that name, or the file's name is one that tables know already.
        DataError: Something is wrong with the description.
    """
    if is_description(word):
        return _own_dataset(Path(word))
    if word not in DATASETS:
        near = _file_meant(word) or did_you_mean(word, DATASETS)
        raise UsageError(
            f"unknown dataset {word!r}{near}; known: {', '.join(DATASETS)}, or a description, my_data{SUFFIX}"
        )
    return DATASETS[word]


def _own_dataset(path: Path) -> Dataset:
    """Reads a description; raises UsageError where its name or a column of its benchmarks is taken."""
    dataset = read_dataset(path)
    columns = {each.column for each in benchmarks_on(dataset)}
    taken = {dataset.name} & {*DATASETS, *BENCHMARKS, *groups()}
    taken |= columns & {*(each.column for each in BENCHMARKS.values()), *(each.name for each in averages())}
    if taken:
        raise UsageError(
            f"{path}: the name {min(taken)!r} is taken by what ships; rename the file: its stem is the name"
        )
    return dataset


def find_benchmark(name: str) -> Benchmark:
    """Returns a benchmark by name.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in BENCHMARKS:
        known = [*BENCHMARKS, *groups()]
        near = _file_meant(name) or did_you_mean(name, known)
        raise UsageError(
            f"unknown benchmark {name!r}{near}; known: {', '.join(known)}, or a description of data of your own, "
            f"my_data{SUFFIX}"
        )
    return BENCHMARKS[name]


def _file_meant(word: str) -> str:
    """Returns a hint where a word names own data as tables do, and the file that describes it is in this folder."""
    stem, _, task = word.rpartition("-")
    meant = {f"{word}{SUFFIX}": "", f"{stem}{SUFFIX}": f":{task}"}
    return next((f" (did you mean {file}{end}?)" for file, end in meant.items() if Path(file).is_file()), "")


def expand(names: Sequence[str | Benchmark]) -> list[tuple[Benchmark, bool]]:
    """Replaces groups by their members, and descriptions of data by the benchmarks they make.

    Args:
        names: Benchmarks, groups and descriptions; ``birds.toml:knn`` is one of several benchmarks of a description. A
            benchmark stands for itself.

    Returns:
        (benchmark, whether it was named itself rather than through a group), without repeats, in order.

    Raises:
        UsageError: A name that is none of these, or no name at all.
        DataError: Something is wrong with a description.
    """
    members = groups()
    if not names:
        raise UsageError(f"name a benchmark: {', '.join([*BENCHMARKS, *members])}")
    chosen: dict[str, tuple[Benchmark, bool]] = {}
    own: dict[str, Dataset] = {}
    for name in names:
        for benchmark in [name] if isinstance(name, Benchmark) else _named(name, members, own):
            itself = name not in members or (benchmark.name in chosen and chosen[benchmark.name][1])
            chosen[benchmark.name] = (benchmark, itself)
    return list(chosen.values())


def _named(word: str, members: Mapping[str, Sequence[str]], own: dict[str, Dataset]) -> list[Benchmark]:
    """Returns what one word stands for; ``own`` has the descriptions that were read before, by name."""
    if word in members:
        return [BENCHMARKS[name] for name in members[word]]
    path, _, wanted = word.rpartition(":")
    if not is_description(path):
        path, wanted = word, ""
    if not is_description(path):
        return [find_benchmark(word)]
    dataset = _read_once(Path(path), own)
    made = {each.task.name: each for each in benchmarks_on(dataset)}
    if wanted and wanted not in made:
        raise UsageError(
            f"{path} makes no benchmark {wanted!r}{did_you_mean(wanted, made)}; it makes: {', '.join(made)}"
        )
    return [made[wanted]] if wanted else list(made.values())


def _read_once(path: Path, own: dict[str, Dataset]) -> Dataset:
    known = own.get(path.stem)
    if known is not None and known.path == path:
        return known
    if known is not None:
        raise UsageError(
            f"{known.path} and {path} have one name, so that tables could not tell them apart; run one at a time, or "
            "rename one"
        )
    own[path.stem] = _own_dataset(path)
    return own[path.stem]
