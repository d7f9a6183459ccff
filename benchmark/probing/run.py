"""Cells: resolve, skip what is done, run, leave a record."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import Backbone, load_backbone
from benchmark.backbones.assumed import assumption_line
from benchmark.backbones.compilation import compile_backbone
from benchmark.benchmarks import Benchmark
from benchmark.cache import features_folder
from benchmark.data.manifest import fingerprint
from benchmark.devices import choose_device, loader_processes
from benchmark.distributed import World, process_group
from benchmark.errors import DenseBenchError, RecordError, SharedError, UsageError
from benchmark.features.store import FeatureStore
from benchmark.load_protocol import Protocol, load_protocol, share_overrides
from benchmark.probing.job import Job
from benchmark.probing.resume import ResumeFile
from benchmark.probing.run_record import Cell, Outcome, describe, measure_cost
from benchmark.probing.runner import runner_of
from benchmark.probing.splits import open_splits
from benchmark.probing.trained_heads import trained_heads
from benchmark.progress import duration
from benchmark.records.cell import cell_key
from benchmark.records.environment import code_version, package_versions
from benchmark.records.schema import Primary, Record
from benchmark.records.store import RecordStore, as_json
from benchmark.run_options import RunOptions
from benchmark.utf8 import printable

# A process whose peer failed sees a broken connection. It waits this long for torchrun to end it, so that the peer's
# record tells the cause and no other record tells of the symptom.
_GRACE_S = 10.0


@dataclass(frozen=True)
class _Session:
    """What all cells of one command share."""

    options: RunOptions
    store: RecordStore
    device: torch.device
    world: World

    @property
    def features(self) -> FeatureStore:
        """Where features are kept."""
        return FeatureStore(self.options.features or features_folder())

    def say(self, line: str) -> None:
        if self.world.is_main:
            print(line)

    def complain(self, line: str) -> None:
        if self.world.is_main:
            print(line, file=sys.stderr)


@dataclass(frozen=True)
class Ran:
    """What came of one cell."""

    benchmark: str
    """Its benchmark's name."""

    record: Record | None
    """Made now or found; of a cell that failed, if it came as far as that."""

    error: Exception | None = None
    """What went wrong."""


LoadBackbone = Callable[[BackboneOptions], Backbone]
"""From what a protocol says of the backbone to the frozen backbone, on its device."""


def run_cells(benchmarks: Sequence[Benchmark], checkpoint: str, options: RunOptions) -> int:
    """Evaluates a checkpoint on benchmarks; one failing cell does not stop the others.

    Under torchrun the processes share each cell, and one that fails ends them all.

    Args:
        benchmarks: What to score.
        checkpoint: What ``load_backbone`` takes.
        options: How.

    Returns:
        Number of cells that failed.

    Raises:
        DenseBenchError: Nothing can run at all: no such protocol or checkpoint, or results cannot be written.
    """
    device = choose_device(options.device)

    def load(given: BackboneOptions) -> Backbone:
        return load_backbone(checkpoint, device=device, **asdict(given))

    with process_group(device) as world:
        return sum(ran.error is not None for ran in run_each(benchmarks, load, options, device, world))


def run_each(
    benchmarks: Sequence[Benchmark],
    load: LoadBackbone,
    options: RunOptions,
    device: torch.device,
    world: World,
) -> Iterator[Ran]:
    """Yields what came of each cell, after all protocols and backbones are read.

    Sets cuDNN's flags and seeds PyTorch's generators.

    Args:
        benchmarks: What to score.
        load: Makes the backbone; called once for each distinct value.
        options: How; its ``device`` is not looked at.
        device: Where the backbone is.
        world: The processes that share the work.

    Raises:
        DenseBenchError: Nothing can run at all: no such protocol or checkpoint, or results cannot be written.
    """
    torch.backends.cudnn.deterministic = True  # same seed, same machine, same record
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32
    session = _Session(options, RecordStore(options.results), device, world)
    # What only one process finds wrong ends them all, before another waits for it.
    protocols, backbones = world.together(lambda: _prepare(benchmarks, load, session))
    world.refuse_different_input(
        {
            "benchmarks": [each.name for each in benchmarks],
            "overrides": list(options.overrides),
            "--on-bad-image": options.on_bad_image,
            "--compile": options.compile,
        }
    )
    # What is refused above leaves no record.
    world.together(lambda: session.store.ensure_writable() if world.is_main else None)
    for line in filter(None, map(assumption_line, backbones.values())):
        session.say(f"note: {line}")
    for protocol in protocols:
        yield _run_or_skip(protocol, backbones[protocol.settings.backbone], session)


def _prepare(
    benchmarks: Sequence[Benchmark], load: LoadBackbone, session: _Session
) -> tuple[list[Protocol], dict[BackboneOptions, Backbone]]:
    """Reads protocols and weights."""
    options = session.options
    protocols = _protocols(benchmarks, options)
    refuse_small_batches(protocols, session.world)
    backbones: dict[BackboneOptions, Backbone] = {}
    for protocol in protocols:
        given = protocol.settings.backbone
        if given not in backbones:
            backbones[given] = load(given)
            if options.compile:
                compile_backbone(backbones[given])
    return protocols, backbones


def refuse_small_batches(protocols: Sequence[Protocol], world: World) -> None:
    """Raises UsageError if some process would have no image of a batch."""
    for protocol in protocols:
        train = getattr(protocol.settings, "train", None)
        if train is not None and train.batch_size < world.size:
            raise UsageError(f"train.batch_size={train.batch_size} cannot be shared by {world.size} processes")


def _protocols(benchmarks: Sequence[Benchmark], options: RunOptions) -> list[Protocol]:
    names = {each.name: options.protocol or each.default_protocol for each in benchmarks}
    shared = share_overrides(benchmarks, names, options.overrides)
    return [_protocol(each, names[each.name], shared[each.name], options.limit) for each in benchmarks]


def _protocol(benchmark: Benchmark, name: str, overrides: tuple[str, ...], limit: int | None) -> Protocol:
    protocol = load_protocol(benchmark, name, overrides)
    train = getattr(protocol.settings, "train", None)
    if limit is None or train is None or any(override.startswith("train.iterations=") for override in overrides):
        return protocol
    # A limited run is a smoke test: without this, four images would be trained on for 40,000 iterations.
    return load_protocol(benchmark, name, (*overrides, f"train.iterations={min(limit, train.iterations)}"))


def _run_or_skip(protocol: Protocol, backbone: Backbone, session: _Session) -> Ran:
    """Runs one cell, unless it is done already."""
    name, world = protocol.benchmark.name, session.world
    try:
        cell, said, shown = world.together(lambda: _identified(_resolve(protocol, backbone, session.options)))
        world.refuse_different_input(said, shown)
    except (DenseBenchError, OSError) as error:
        session.complain(f"error: {error}")
        return Ran(name, None, error)
    earlier = world.broadcast_object(
        session.store.find(cell.key) if world.is_main and not session.options.rerun else None
    )
    if earlier is not None:
        session.say(
            f"{name}: done already, {_shown(protocol.benchmark, earlier.primary)} ({earlier.id}); --rerun runs it again"
        )
        _resume_file(cell, session.options).remove()  # left behind if a run was killed while it ended
        return Ran(name, earlier)
    for note in cell.data.notes:
        session.say(f"{name}: note: {note}")
    splits = [(split, split.dataset.counts.get(split.name)) for split in (cell.data.train, cell.data.val)]
    held = ", ".join(
        f"{split.name} {len(split):,} of {whole:,}" for split, whole in splits if whole not in (None, len(split))
    )
    if held and session.options.limit is None:
        session.say(f"{name}: note: not the official release: {held} images")
    return _run(cell, session)


def _identified(cell: Cell) -> tuple[Cell, dict[str, Any], dict[str, str]]:
    """Says what can move a cell's number, by the names that messages have for it, and how messages show it."""
    protocol, data, source = cell.protocol, cell.data, cell.backbone.source
    said = {
        "benchmark": protocol.benchmark.name,
        "overrides": list(protocol.overrides),
        "protocol": f"{protocol.name} {protocol.fingerprint}",
        "checkpoint": source.sha256,
        "architecture": asdict(cell.backbone.spec),
        "seed": cell.seed,
        "limit": cell.limit,
        **{f"images of {split.dataset.name} {split.name}": len(split) for split in (data.train, data.val)},
        "data": cell.data_fingerprint,
        "further test sets": {
            extra.name: {"images": len(extra.split), "data": fingerprint(extra.split.files, extra.split.root)}
            for extra in data.extras
        },
        "code version": code_version(),
        "packages": package_versions(),
    }
    shown = {
        "checkpoint": f"{source.checkpoint} (sha256 {source.sha256[:12]}…)",
        "data": f"other files or contents under {data.val.root} (fingerprint {cell.data_fingerprint})",
    }
    return cell, said, shown


def _resume_file(cell: Cell, options: RunOptions) -> ResumeFile:
    return ResumeFile(options.results / "resume" / f"{cell.key}.pt", every_s=options.save_every_s)


def _resolve(protocol: Protocol, backbone: Backbone, options: RunOptions) -> Cell:
    runner = runner_of(protocol.benchmark.task)
    runner.refuse_unfit(protocol.in_pixels(backbone.spec.patch_size), backbone.spec)
    data = open_splits(protocol, options.data_root, options.limit)
    data_fingerprint = data.fingerprint
    key = cell_key(
        benchmark=protocol.benchmark.name,
        protocol=protocol.fingerprint,
        checkpoint_sha256=backbone.source.sha256,
        spec=asdict(backbone.spec),
        data=data_fingerprint,
        seed=options.seed,
        limit=options.limit,
    )
    name = options.name or Path(backbone.source.checkpoint).stem
    return Cell(name, protocol, backbone, data, data_fingerprint, options.seed, options.limit, key)


def _run(cell: Cell, session: _Session) -> Ran:
    """Runs one cell and records what came of it."""
    options, store, device, world = session.options, session.store, session.device, session.world
    benchmark = cell.protocol.benchmark
    name = benchmark.name
    begun = time.monotonic()
    settings = cell.protocol.in_pixels(cell.backbone.spec.patch_size)
    encoder, evaluate = runner_of(benchmark.task).prepare(settings, cell, device, world)
    resume = _resume_file(cell, options)
    record = describe(cell, device, options.command)  # first: whatever fails later, it can be recorded
    job = Job(
        data=cell.data,
        seed=cell.seed,
        resume=resume,
        store=session.features,
        label=name,
        model=cell.name,
        workers=loader_processes(options.workers, device, world.size),
        on_bad_image=options.on_bad_image,
        trained=trained_heads(cell, record.id, [] if options.rerun else store.read().records, options.heads),
    )
    try:
        as_json(record)
    except RecordError as error:
        session.complain(f"error: {error}")
        return Ran(name, None, error)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        outcome = evaluate(job)
        world.together(encoder.refuse_not_finite)
    except Exception as error:  # whatever went wrong, the record says so and the next cell runs
        known = isinstance(error, DenseBenchError)
        if isinstance(error, SharedError) and not world.is_main:
            return Ran(name, None, error)  # the main process says and records it
        if world.size > 1 and not known:
            time.sleep(_GRACE_S)
        text = str(error) if known else printable(traceback.format_exc())
        record = record.model_copy(update={"status": "error", "error": text})
        store.add(record, None)
        print(f"error: {text}\n{name}: failed; recorded as {record.id}", file=sys.stderr)
        if world.size > 1 and not isinstance(error, SharedError):
            raise SystemExit(1) from error  # the other processes wait for this one: let torchrun end them
        return Ran(name, record, error)
    cost = measure_cost(resume.earlier_s + time.monotonic() - begun, encoder)
    if not world.is_main:
        return Ran(name, record)
    record = record.model_copy(
        update={
            "metrics": outcome.metrics,
            "primary": _primary(benchmark, outcome),
            "selection": outcome.selection,
            "per_image": f"{record.id}.parquet",
            "cost": cost,
            "patch_tokens": outcome.patch_tokens,
            "trained_with": outcome.trained_with,
        }
    )
    path = store.add(record, outcome.per_image, outcome.gallery)
    resume.remove()
    _report(benchmark, record, path if options.records_kept else None)
    return Ran(name, record)


def _primary(benchmark: Benchmark, outcome: Outcome) -> Primary:
    metric = benchmark.metric
    value = outcome.metrics[metric.name]
    return Primary(name=metric.name, value=value, higher_is_better=metric.higher_is_better, ci95=None)


def _report(benchmark: Benchmark, record: Record, path: Path | None) -> None:
    where = "" if path is None else f"; {path}"
    print(f"{record.benchmark}: {_shown(benchmark, record.primary)} in {duration(record.cost.wall_s)}{where}")
    if record.selection is not None:
        print(f"{record.benchmark}: {_shown_selection(benchmark, record.selection)}")


def _shown(benchmark: Benchmark, primary: Primary | None) -> str:
    return "no score" if primary is None else f"{primary.name} {benchmark.metric.text(primary.value)}"


def _shown_selection(benchmark: Benchmark, selection: dict[str, Any]) -> str:
    chosen, best, metric = selection["chosen"], selection["best_on_val"], benchmark.metric
    name = next(key.removesuffix("_val") for key in best if key.endswith("_val"))  # a sweep may choose by another
    return (
        f"chose {_setting(chosen, name)} of {len(selection['candidates'])} on {selection['images']} "
        f"{selection['on']} images; best on val would be {metric.text(best[f'{name}_val'])} "
        f"({_setting(best, name)}), optimistic"
    )


def _setting(candidate: dict[str, Any], metric: str) -> str:
    """Writes a candidate's settings without its scores."""
    scores = (f"{metric}_held_out", f"{metric}_val")
    return ", ".join(
        f"{key.replace('_', ' ')} {f'{value:g}' if isinstance(value, float) else value}"
        for key, value in candidate.items()
        if key not in scores
    )
