"""``densebench rerun RECORD``: runs a record's cell again and says whether the number comes out the same."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path

from benchmark.backbones import load_backbone
from benchmark.backbones.memory import LAYOUT
from benchmark.benchmarks import Benchmark, benchmark_of, is_description
from benchmark.data.description import SUFFIX
from benchmark.data.own import read_dataset
from benchmark.errors import DataError, RecordError, UsageError, did_you_mean
from benchmark.load_protocol import load_protocol
from benchmark.probing.run import run_cells
from benchmark.records.schema import Environment, Record
from benchmark.records.store import RecordStore
from benchmark.run_options import RunOptions


@dataclass(frozen=True)
class Reproduction:
    """What a second run says about the first."""

    first: Record
    second: Record
    tolerance: float

    @property
    def difference(self) -> float:
        """Second minus first, in the metric's unit."""
        return self.second.primary.value - self.first.primary.value

    @property
    def agrees(self) -> bool:
        """Whether the values are as close as the tolerance wants, on the same data."""
        return not self.other_data and math.isclose(self.difference, 0, abs_tol=self.tolerance)

    @property
    def other_data(self) -> bool:
        """Whether the data has changed since."""
        return self.first.data.fingerprint != self.second.data.fingerprint

    def lines(self) -> list[str]:
        """Says the outcome, and what differs between the two places."""
        metric = _benchmark(self.first).metric
        name, unit = metric.name, metric.unit
        outcome = "agrees" if self.agrees else "does NOT agree"
        lines = [
            f"{self.first.benchmark}: {name} {self.first.primary.value:.6f} then, {self.second.primary.value:.6f} now: "
            f"{outcome} (difference {self.difference:+.2e} {unit}, tolerance {self.tolerance:g} {unit})"
        ]
        if self.other_data:
            lines.append("the data has changed: other files or other contents")
        lines += _edited_description(self.first)
        return lines + [f"differs: {line}" for line in changes(self.first.environment, self.second.environment)]


def rerun(
    identity: str,
    results: Path,
    *,
    command: str,
    checkpoint: str | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    tolerance: float | None = None,
) -> Reproduction:
    """Runs the cell of a record again; the run leaves a record of its own.

    Args:
        identity: Of a successful record.
        results: Folder that holds it; the new record goes there too.
        command: Command line, for the new record.
        checkpoint: Where the weights are now; None takes the record's path.
        data_root: Where the data is now; None takes that of the record's command, else ``data``.
        device: ``auto``, ``cpu`` or ``cuda``.
        tolerance: Largest difference that agrees; None takes half a unit of the last digit tables print.

    Raises:
        UsageError: No such record, or its protocol is not where it was.
        RecordError: The record is of a module in memory, weights or protocol are not those of the record, or the new
            run failed.
    """
    store = RecordStore(results)
    first = _find(store, identity)
    _refuse_memory(first)
    protocol = _same_protocol(first)
    weights = checkpoint or first.model.checkpoint
    _refuse_other_weights(first, weights)
    options = RunOptions(
        data_root=data_root or _data_root(first.command),
        results=results,
        name=first.model.name,
        protocol=protocol,
        overrides=first.protocol.overrides,
        device=device,
        seed=first.seed,
        limit=first.limit,
        rerun=True,
        on_bad_image="skip" if _left_images_out(first) else "error",
        compile="--compile" in shlex.split(first.command),
        command=command,
    )
    known = {record.id for record in store.read().records}
    run_cells([_benchmark(first)], weights, options)
    new = [record for record in store.read().records if record.id not in known and _same_cell(first, record)]
    if not new or new[-1].status == "error":
        raise RecordError(f"{identity}: the second run failed, so nothing can be said of the first")
    return Reproduction(first, new[-1], _benchmark(first).metric.half_digit if tolerance is None else tolerance)


def changes(then: Environment, now: Environment) -> list[str]:
    """Lists what differs between two places: packages, commit, code, device, hardware."""
    names = [*then.packages, *(name for name in now.packages if name not in then.packages)]
    lines = [
        f"{name} {then.packages.get(name, 'absent')}, now {now.packages.get(name, 'absent')}"
        for name in names
        if then.packages.get(name) != now.packages.get(name)
    ]
    for what, old, new in (
        ("commit", then.git_commit, now.git_commit),
        ("code", then.code or now.code, now.code),
        ("device", then.device, now.device),
        ("hardware", then.hardware, now.hardware),
    ):
        if old != new:
            lines.append(f"{what} {old}, now {new}")
    return lines


def _find(store: RecordStore, identity: str) -> Record:
    records = [record for record in store.read().records if record.status == "success" and record.primary]
    identity = identity.removesuffix(".json").rpartition("/")[2]
    matching = [record for record in records if record.id == identity]
    if not matching:
        near = did_you_mean(identity, [record.id for record in records])
        raise UsageError(f"no successful record {identity!r} under {store.runs}{near}")
    return matching[0]


def _benchmark(record: Record) -> Benchmark:
    benchmark = benchmark_of(record)
    if benchmark is None:
        raise UsageError(f"{record.id}: this version has no benchmark {record.benchmark!r}")
    return benchmark


def _edited_description(record: Record) -> list[str]:
    """Says that the file that described the data means something else by now: the record's own words ran again."""
    paths = [path for word in shlex.split(record.command) if (path := _described_by(word, record)) is not None]
    if not paths or not paths[0].is_file():
        return []
    path = paths[0]
    try:
        now = read_dataset(path).description_hash
    except DataError as error:
        return [f"the description has changed: {error}; the record's own was used"]
    return [] if now == record.data.description_hash else [f"{path} has changed since; the record's own was used"]


def _described_by(word: str, record: Record) -> Path | None:
    """Returns the description of a record's data if a word of its command names it, or one benchmark of it."""
    path = Path(word if is_description(word) else word.rpartition(":")[0])
    return path if record.data.description is not None and path.name == f"{record.data.name}{SUFFIX}" else None


def _same_protocol(record: Record) -> str:
    """Returns the protocol's name, or the file it came from, after making sure that it still means the same."""
    option = _option(record.command, "--protocol") or ""
    name = option if option.endswith(".py") else record.protocol.name
    now = load_protocol(_benchmark(record), name, record.protocol.overrides)
    if now.fingerprint != record.protocol.fingerprint:
        changed = [key for key, value in now.fields.items() if record.protocol.fields.get(key) != value]
        raise RecordError(
            f"{record.id}: protocol {record.protocol.name} of {record.benchmark} was version {record.protocol.version} "
            f"and is {now.settings.version}; it differs in {', '.join(changed) or 'nothing but its name'}. Check out "
            f"commit {record.environment.git_commit or 'of that time'} to run it as it was"
        )
    return name


def _refuse_memory(record: Record) -> None:
    if record.model.layout == LAYOUT:
        raise RecordError(
            f"{record.id} is of a module that was in memory, {record.model.checkpoint}, and no file holds it; evaluate "
            "the module again from Python"
        )


def _refuse_other_weights(record: Record, weights: str) -> None:
    sha256 = load_backbone(weights, device="cpu", **_given(record)).source.sha256
    if sha256 != record.model.checkpoint_sha256:
        raise RecordError(
            f"{weights} is not what {record.id} was run with: sha256 {sha256[:12]}…, the record's "
            f"{record.model.checkpoint_sha256[:12]}…; give --checkpoint"
        )


def _given(record: Record) -> dict[str, object]:
    fields = record.protocol.fields.get("backbone", {})
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _left_images_out(record: Record) -> bool:
    return _option(record.command, "--on-bad-image") == "skip" or "images_left_out" in (record.metrics or {})


def _same_cell(first: Record, second: Record) -> bool:
    return (
        first.benchmark == second.benchmark
        and first.protocol.fingerprint == second.protocol.fingerprint
        and first.model.checkpoint_sha256 == second.model.checkpoint_sha256
        and (first.seed, first.limit) == (second.seed, second.limit)
    )


def _data_root(command: str) -> Path:
    folder = _option(command, "--data-root")
    if folder is not None:
        return Path(folder)
    return Path("data/mini" if "demo" in shlex.split(command)[:2] else "data")


def _option(command: str, option: str) -> str | None:
    """Returns the value of an option of a command line, None without it."""
    words = shlex.split(command)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None
