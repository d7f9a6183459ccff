"""Ablation tables from records: rows matched by what the models are, differences to a baseline on the same images.

A row that no record fills stays in the table, with the command that would fill it. A row that several checkpoints fit
stays empty and a note lists them. A row whose model differs from the baseline in more than the
split keeps its numbers and has no difference; a note names the fields. A benchmark that a family has no protocol for is
left out of the whole table, means included, and named.

Where groups are one experiment trained several times, a last group has the means over them. Its differences are paired
by training, and their intervals are over trainings: the images are the same each time.
"""

from __future__ import annotations

import fnmatch
import math
import re
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from benchmark.benchmarks import BENCHMARKS, Benchmark
from benchmark.configs import protocol_files, read_config
from benchmark.errors import RecordError, UsageError, did_you_mean
from benchmark.metric import Metric
from benchmark.records.schema import ModelInfo
from benchmark.report.flags import PIXEL_BASELINE
from benchmark.report.rows import Row, benchmarks_of
from benchmark.report.statistics.estimates import Estimates, Pair
from benchmark.report.statistics.intervals import Interval, student_interval
from benchmark.report.tables.ablation_config import AblationConfig, ColumnSpec, GroupSpec, Match, RowSpec
from benchmark.report.tables.same_architecture import architecture_differences


@dataclass(frozen=True)
class Delta:
    """A difference to the baseline."""

    value: float
    interval: Interval | None


@dataclass(frozen=True)
class AblationEntry:
    """A number of one row, or nothing."""

    value: float | None = None
    delta: Delta | None = None
    """None for the baseline itself, and where the two cannot be paired."""


@dataclass(frozen=True)
class AblationRow:
    """One row."""

    spec: RowSpec
    row: Row | None
    """The checkpoint that fills it; None for a mean, and where none does."""

    entries: list[AblationEntry]
    """By column."""

    model: str | None
    """Name of the checkpoint, or how many trainings a mean is over; None for nothing."""


@dataclass(frozen=True)
class AblationGroup:
    """Rows with one baseline."""

    spec: GroupSpec
    rows: list[AblationRow]


@dataclass(frozen=True)
class Ablation:
    """A table."""

    config: AblationConfig
    """What it shows, less what the family of ``label`` has no protocol for."""

    label: str | None
    """Protocol of its rows; None if no record fits any row."""

    groups: list[AblationGroup]
    family: str | None = None
    """Whose protocol ``label`` is; None if no record fits any row."""

    overrides: tuple[str, ...] = ()
    """What ``label`` replaces in it."""

    benchmarks: Mapping[str, Benchmark] = field(default_factory=lambda: BENCHMARKS)
    """Those that columns may name."""

    trainings: AblationGroup | None = None
    """Means over the groups; an entry is empty until every group has it."""

    missing: list[str] = field(default_factory=list)
    """One line for each row that is not complete, with the command that would fill it."""

    notes: list[str] = field(default_factory=list)
    """What was left out of means, rows that several checkpoints fit, differences that could not be paired."""

    def metric(self, column: ColumnSpec) -> Metric | None:
        """Returns the metric of a column, None of a field of the model."""
        return self.benchmarks[column.mean[0]].metric if column.mean else None


def make_ablation(
    config: AblationConfig, rows: Sequence[Row], estimates: Estimates, *, label: str | None = None
) -> Ablation:
    """Fills a table.

    Args:
        config: What it shows.
        rows: Rows of the leaderboard.
        estimates: Where differences come from.
        label: Protocol to show; None takes the one that fills most entries.

    Raises:
        UsageError: A column of an unknown benchmark, or of benchmarks with different metrics.
    """
    known = {**BENCHMARKS, **benchmarks_of(rows)}
    _refuse_unknown(config, known)
    rows = [row for row in rows if row.model.checkpoint != PIXEL_BASELINE]
    label = label if label is not None else _fullest(config, rows)
    labelled = [row for row in rows if row.label == label]
    groups, missing, notes = [], [], []
    family, overrides = (labelled[0].family, labelled[0].overrides) if labelled else (None, ())
    if family is not None:
        config = _within_family(config, family, known, notes)
    for group in config.groups:
        fitting = {spec.name: _fitting(group, spec, labelled) for spec in group.rows}
        notes += [_ambiguous(group, name, matches) for name, matches in fitting.items() if len(matches) > 1]
        chosen = {name: matches[0] if len(matches) == 1 else None for name, matches in fitting.items()}
        baseline = chosen[config.baseline]
        filled = []
        for spec in group.rows:
            row = chosen[spec.name]
            against = None if spec.name == config.baseline else _alike(config, row, baseline, notes)
            entries = [_entry(column, row, against, estimates, notes) for column in config.columns]
            filled.append(AblationRow(spec, row, entries, row.model.name if row is not None else None))
            if len(fitting[spec.name]) < 2:
                missing += _missing(config, group, spec, row, labelled, known=known)
        groups.append(AblationGroup(group, filled))
    estimates.save()
    trainings = None
    if config.trainings is not None:
        trainings = _over_trainings(config, groups, notes)
    return Ablation(config, label, groups, family, overrides, known, trainings, missing, list(dict.fromkeys(notes)))


def _refuse_unknown(config: AblationConfig, known: Mapping[str, Benchmark]) -> None:
    for column in config.columns:
        unknown = next((name for name in column.mean if name not in known), None)
        if unknown is not None:
            raise UsageError(f"column {column.name!r}: no benchmark {unknown!r}{did_you_mean(unknown, known)}")
        if len({known[name].metric for name in column.mean}) > 1:
            raise UsageError(f"column {column.name!r}: {', '.join(column.mean)} have different metrics")


def _alike(config: AblationConfig, row: Row | None, baseline: Row | None, notes: list[str]) -> Row | None:
    """Returns the baseline if a row's model differs from it in the split and the subject of the table only."""
    if row is None or baseline is None:
        return baseline
    differing = architecture_differences(baseline.model, row.model, may_differ=config.may_differ)
    if not differing:
        return baseline
    notes.append(
        f"{row.model.name}: no difference to {baseline.model.name}, which differs in more than the split: "
        f"{', '.join(differing)}"
    )
    return None


def fits(match: Match, model: ModelInfo) -> bool:
    """Says whether a model has the fields of a match."""
    if isinstance(match.specialization, tuple):
        return any(fits(each, model) for each in match.alternatives())
    for name, wanted in match.model_dump(exclude_none=True).items():
        value = getattr(model, name)
        if isinstance(wanted, str):
            pattern = wanted.replace("{third}", _third(model.depth)).replace("[", "[[]")
            if not re.fullmatch(fnmatch.translate(pattern), value):
                return False
        elif value != wanted:
            return False
    return True


def _third(depth: int) -> str:
    """Writes the first third of the blocks as a specialisation's name does."""
    count = round(depth / 3)
    return "0" if count <= 1 else f"0-{count - 1}"


def _fitting(group: GroupSpec, spec: RowSpec, rows: Sequence[Row]) -> list[Row]:
    in_group = [row for row in rows if fits(group.match, row.model)]
    by_pattern = ([row for row in in_group if fits(match, row.model)] for match in spec.match.alternatives())
    return next(filter(None, by_pattern), [])


def _fullest(config: AblationConfig, rows: Sequence[Row]) -> str | None:
    """Returns the label under which most entries can be filled; of several, the shortest, then the first."""
    wanted = {benchmark for column in config.columns for benchmark in column.mean}
    filled: defaultdict[str, int] = defaultdict(int)
    for group in config.groups:
        for spec in group.rows:
            for row in _fitting(group, spec, rows):
                filled[row.label] += len(wanted & row.scores.keys())
    return min(filled, key=lambda label: (-filled[label], len(label), label)) if filled else None


def _within_family(
    config: AblationConfig, family: str, known: Mapping[str, Benchmark], notes: list[str]
) -> AblationConfig:
    """Drops the benchmarks a family has no protocol for."""
    columns = []
    for column in config.columns:
        offered = tuple(benchmark for benchmark in column.mean if protocol_of(known[benchmark], family) is not None)
        if len(offered) < len(column.mean):
            lacking = ", ".join(benchmark for benchmark in column.mean if benchmark not in offered)
            instead = f"is the mean of {', '.join(offered)}" if offered else "is left out"
            notes.append(f"{column.name} {instead}: family {family} has no protocol for {lacking}")
        if offered or column.field is not None:
            columns.append(column.model_copy(update={"mean": offered}))
    return config.model_copy(update={"columns": tuple(columns)})


def _ambiguous(group: GroupSpec, name: str, fitting: Sequence[Row]) -> str:
    models = ", ".join(f"{row.model.name} ({row.model.arch}, {row.model.checkpoint_sha256[:8]})" for row in fitting)
    where = f"{group.name}, {name}" if group.name else name
    return f"{where}: {len(fitting)} checkpoints fit, {models}; choose with --filter, for example 'name=…'"


def _entry(
    column: ColumnSpec, row: Row | None, baseline: Row | None, estimates: Estimates, notes: list[str]
) -> AblationEntry:
    if row is None:
        return AblationEntry()
    if column.field is not None:
        value = row.model.params / 1e6 if column.field == "params_m" else getattr(row.model, column.field)
        return AblationEntry(value)
    if any(benchmark not in row.scores for benchmark in column.mean):
        return AblationEntry()
    value = float(np.mean([row.scores[benchmark].value for benchmark in column.mean]))
    if baseline is None or any(benchmark not in baseline.scores for benchmark in column.mean):
        return AblationEntry(value)
    try:
        delta = _delta(column, row, baseline, estimates)
    except RecordError as error:
        notes.append(f"{row.model.name}, {column.name}: no difference, {error}")
        return AblationEntry(value)
    of_baseline = float(np.mean([baseline.scores[benchmark].value for benchmark in column.mean]))
    if not math.isclose(delta.value, value - of_baseline, abs_tol=1e-6):
        notes.append(f"{row.model.name}, {column.name}: the difference is over the seeds both have")
    return AblationEntry(value, delta)


def _over_trainings(config: AblationConfig, groups: Sequence[AblationGroup], notes: list[str]) -> AblationGroup:
    """Averages the entries of groups with the same rows; a mean never has a checkpoint twice or different models."""
    title, baseline = config.trainings, config.baseline
    rows, empty = [], [AblationEntry()] * len(groups[0].rows[0].entries)
    several = {same[0].spec.name: same for same in zip(*(group.rows for group in groups), strict=True)}
    repeated = [name for name, same in several.items() if _repeats(same)]
    notes += [f"{title}, {name}: no mean, one checkpoint is in several groups" for name in repeated]
    for name, same in several.items():
        differing = _unlike(same)
        if differing:
            repeated.append(name)
            notes.append(f"{title}, {name}: no mean, the models differ: {', '.join(differing)}")
    for name, same in several.items():
        filled = sum(row.row is not None for row in same)
        model = f"mean of {filled}" if filled == len(same) else f"{filled} of {len(same)}" if filled else None
        entries = [_mean_entry(entries) for entries in zip(*(row.entries for row in same), strict=True)]
        rows.append(AblationRow(same[0].spec, None, empty if {name, baseline} & set(repeated) else entries, model))
    return AblationGroup(groups[0].spec.model_copy(update={"name": title, "published": None}), rows)


def _repeats(rows: Sequence[AblationRow]) -> bool:
    weights = [row.row.model.checkpoint_sha256 for row in rows if row.row is not None]
    return len(set(weights)) < len(weights)


def _unlike(rows: Sequence[AblationRow]) -> list[str]:
    """Lists the fields in which trainings of one row differ: they are to be one experiment."""
    models = [row.row.model for row in rows if row.row is not None]
    return list(dict.fromkeys(text for model in models[1:] for text in architecture_differences(models[0], model)))


def _mean_entry(entries: Sequence[AblationEntry]) -> AblationEntry:
    values = [entry.value for entry in entries if entry.value is not None]
    if len(values) < len(entries):
        return AblationEntry()
    deltas = [entry.delta.value for entry in entries if entry.delta is not None]
    delta = Delta(fmean(deltas), student_interval(deltas)) if len(deltas) == len(entries) else None
    return AblationEntry(fmean(values), delta)


def _delta(column: ColumnSpec, row: Row, baseline: Row, estimates: Estimates) -> Delta:
    """Pairs seeds, then images.

    Raises:
        RecordError: No seed in common, or images differ.
    """
    pairs: list[Pair] = []
    for benchmark in column.mean:
        ours = {record.seed: record for record in row.scores[benchmark].records}
        theirs = {record.seed: record for record in baseline.scores[benchmark].records}
        seeds = sorted(ours.keys() & theirs.keys())
        if not seeds:
            raise RecordError(f"{benchmark}: no seed in common with {baseline.model.name}")
        pairs.append(([theirs[seed] for seed in seeds], [ours[seed] for seed in seeds]))
    estimate = estimates.delta(pairs)
    if estimate is not None:
        return Delta(estimate.value, estimate.interval)
    values = [np.mean([b.primary.value - a.primary.value for a, b in zip(*pair, strict=True)]) for pair in pairs]
    return Delta(float(np.mean(values)), None)


def _missing(
    config: AblationConfig,
    group: GroupSpec,
    spec: RowSpec,
    row: Row | None,
    rows: Sequence[Row],
    *,
    known: Mapping[str, Benchmark],
) -> list[str]:
    """Names the benchmarks a row lacks and the commands that would run them."""
    wanted = list(dict.fromkeys(benchmark for column in config.columns for benchmark in column.mean))
    lacking = [benchmark for benchmark in wanted if row is None or benchmark not in row.scores]
    if not lacking:
        return []
    where = f"{group.name}, {spec.name}" if group.name else spec.name
    example = row or next(iter(rows), None)
    by_option: defaultdict[str | None, list[str]] = defaultdict(list)  # None needs no --protocol
    for benchmark in lacking:
        protocol = protocol_of(known[benchmark], example.family if example else None)
        by_option[None if protocol == known[benchmark].default_protocol else protocol].append(benchmark)
    lines = []
    for protocol, benchmarks in by_option.items():
        words = ["densebench", "run", *(known[benchmark].word for benchmark in benchmarks)]
        if row is not None:
            words += ["--checkpoint", row.model.checkpoint, "--name", row.model.name]
        else:
            name = spec.match.name or group.match.name
            words += ["--checkpoint", "CKPT", *(["--name", name.replace("*", "MODEL")] if name else [])]
        words += ["--protocol", protocol] if protocol is not None else []
        words += example.overrides if example else ()
        lines.append(f"{where}: {shlex.join(words)}" + ("" if row else f" ; CKPT: {_wanted(group, spec, example)}"))
    return lines


def _wanted(group: GroupSpec, spec: RowSpec, example: Row | None) -> str:
    """Describes the model that a row needs."""
    fields = {**group.match.model_dump(exclude_none=True), **spec.match.model_dump(exclude_none=True)}
    fields.pop("name", None)
    third = _third(example.model.depth) if example else "of the first third"
    texts = {name: " or ".join(value) if isinstance(value, tuple) else str(value) for name, value in fields.items()}
    return ", ".join(f"{name} {text.replace('{third}', third)}" for name, text in texts.items())


def protocol_of(benchmark: Benchmark, family: str | None) -> str | None:
    """Returns the protocol of a family for a benchmark, preferably the default; None if there is none."""
    default = benchmark.default_protocol
    if family is None:
        return default
    files = protocol_files(benchmark.config_folders)
    names = [name for name, path in files.items() if read_config(path).get("family") == family]
    return default if default in names else names[0] if names else None
