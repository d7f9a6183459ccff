"""Cells: resolve, skip what is done, run, leave a record."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import Backbone, load_backbone
from benchmark.backbones.assumed import assumption_line
from benchmark.backbones.compilation import compile_backbone
from benchmark.benchmarks import BENCHMARKS
from benchmark.cache import features_folder
from benchmark.data.manifest import fingerprint
from benchmark.devices import choose_device
from benchmark.errors import DenseBenchError, ProtocolError, RecordError, SharedError, UsageError
from benchmark.probing.depth import DepthTask
from benchmark.probing.distributed import World, joined
from benchmark.probing.feature_store.filling import OnBadImage
from benchmark.probing.feature_store.store import FeatureStore
from benchmark.probing.features import FrozenBackbone, FrozenFeatures
from benchmark.probing.imagenet.knn import run_knn
from benchmark.probing.imagenet.linear import run_linear
from benchmark.probing.imagenet.logreg import run_logreg
from benchmark.probing.job import Job
from benchmark.probing.outcome import Cell, Outcome, describe, measure_cost
from benchmark.probing.resume import ResumeFile
from benchmark.probing.segmentation import SegmentationTask
from benchmark.probing.splits import open_splits
from benchmark.probing.task import Task, run_task
from benchmark.probing.trained_heads import trained_heads
from benchmark.progress import duration
from benchmark.protocols import (
    DepthProtocol,
    Features,
    KnnProtocol,
    LinearProtocol,
    LogregProtocol,
    Protocol,
    SegmentationProtocol,
    Settings,
    load_protocol,
    share_overrides,
)
from benchmark.records.cell import cell_key
from benchmark.records.environment import code_version, package_versions
from benchmark.records.schema import Primary, Record
from benchmark.records.store import RecordStore, as_json
from benchmark.utf8 import printable

DenseProtocol = SegmentationProtocol | DepthProtocol

# A process whose peer failed sees a broken connection. It waits this long for torchrun to end it, so that the peer's
# record tells the cause and no other record tells of the symptom.
_GRACE_S = 10.0


@dataclass(frozen=True)
class RunOptions:
    """Everything about a run but which benchmarks and which checkpoint."""

    data_root: Path
    """Folder that holds all datasets."""

    results: Path
    """Folder the records go to."""

    name: str | None = None
    """What the tables call the model; None takes the checkpoint's file name."""

    protocol: str | None = None
    """Protocol name; None takes each benchmark's default."""

    overrides: tuple[str, ...] = ()
    """``key=value`` replacements of protocol fields."""

    device: str = "auto"
    """``auto``, ``cpu`` or ``cuda``."""

    seed: int = 0
    """Seed of everything random."""

    limit: int | None = None
    """First images of each split only, and no more iterations than that unless they are given."""

    rerun: bool = False
    """Whether a cell that is done is run again."""

    workers: int | None = None
    """Loader processes; None takes none beside a CPU backbone and up to eight beside a GPU."""

    on_bad_image: OnBadImage = "error"
    """Whether image classification stops at an image that cannot be read or goes on without it."""

    features: Path | None = None
    """Root of the feature store; None takes the user's cache."""

    compile: bool = False
    """Whether the backbone goes through torch.compile."""

    save_every_s: float = 30.0
    """Seconds between two saves of the training state."""

    command: str = ""
    """The command line, for the record."""


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
        if self.world.leads:
            print(line)

    def complain(self, line: str) -> None:
        if self.world.leads:
            print(line, file=sys.stderr)


def run_cells(benchmarks: Sequence[str], checkpoint: str, options: RunOptions) -> int:
    """Evaluates a checkpoint on benchmarks; one failing cell does not stop the others.

    Under torchrun the processes share each cell, and one that fails ends them all.

    Args:
        benchmarks: Names.
        checkpoint: What ``load_backbone`` takes.
        options: How.

    Returns:
        Number of cells that failed.

    Raises:
        DenseBenchError: Nothing can run at all: no such protocol or checkpoint, or results cannot be written.
    """
    device = choose_device(options.device)
    torch.backends.cudnn.deterministic = True  # same seed, same machine, same record
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32
    with joined(device) as world:
        session = _Session(options, RecordStore(options.results), device, world)
        # What only one process finds wrong ends them all, before another waits for it.
        protocols, backbones = world.together(lambda: _prepare(benchmarks, checkpoint, session))
        world.refuse_different_input(
            {
                "benchmarks": list(benchmarks),
                "overrides": list(options.overrides),
                "--on-bad-image": options.on_bad_image,
                "--compile": options.compile,
            }
        )
        world.together(lambda: session.store.ensure_writable() if world.leads else None)  # what is refused leaves none
        for line in filter(None, map(assumption_line, backbones.values())):
            session.say(f"note: {line}")
        return sum(not _done(protocol, backbones[protocol.settings.backbone], session) for protocol in protocols)


def _prepare(
    benchmarks: Sequence[str], checkpoint: str, session: _Session
) -> tuple[list[Protocol], dict[BackboneOptions, Backbone]]:
    """Reads protocols and weights."""
    options = session.options
    protocols = _protocols(benchmarks, options)
    refuse_small_batches(protocols, session.world)
    backbones: dict[BackboneOptions, Backbone] = {}
    for protocol in protocols:
        given = protocol.settings.backbone
        if given not in backbones:
            backbones[given] = load_backbone(checkpoint, device=session.device, **asdict(given))
            if options.compile:
                compile_backbone(backbones[given])
    return protocols, backbones


def refuse_small_batches(protocols: Sequence[Protocol], world: World) -> None:
    """Raises UsageError if some process would have no image of a batch."""
    for protocol in protocols:
        train = getattr(protocol.settings, "train", None)
        if train is not None and train.batch_size < world.size:
            raise UsageError(f"train.batch_size={train.batch_size} cannot be shared by {world.size} processes")


def _protocols(benchmarks: Sequence[str], options: RunOptions) -> list[Protocol]:
    names = {name: options.protocol or BENCHMARKS[name].default_protocol for name in benchmarks}
    shared = share_overrides(benchmarks, names, options.overrides)
    return [_protocol(name, names[name], shared[name], options.limit) for name in benchmarks]


def _protocol(benchmark: str, name: str, overrides: tuple[str, ...], limit: int | None) -> Protocol:
    protocol = load_protocol(benchmark, name, overrides)
    train = getattr(protocol.settings, "train", None)
    if limit is None or train is None or any(override.startswith("train.iterations=") for override in overrides):
        return protocol
    # A limited run is a smoke test: without this, four images would be trained on for 40,000 iterations.
    return load_protocol(benchmark, name, (*overrides, f"train.iterations={min(limit, train.iterations)}"))


def _done(protocol: Protocol, backbone: Backbone, session: _Session) -> bool:
    """Sees to one cell; returns whether nothing went wrong."""
    name, world = protocol.benchmark, session.world
    try:
        cell, said, shown = world.together(lambda: _identified(_resolve(protocol, backbone, session.options)))
        world.refuse_different_input(said, shown)
    except (DenseBenchError, OSError) as error:
        session.complain(f"error: {error}")
        return False
    earlier = world.tell(session.store.find(cell.key) if world.leads and not session.options.rerun else None)
    if earlier is not None:
        session.say(f"{name}: done already, {_shown(earlier.primary)} ({earlier.id}); --rerun runs it again")
        _resume_file(cell, session.options).remove()  # left behind if a run was killed while it ended
        return True
    for note in cell.data.notes:
        session.say(f"{name}: note: {note}")
    splits = [(split, split.layout.counts[split.name]) for split in (cell.data.train, cell.data.val)]
    held = ", ".join(f"{split.name} {len(split):,} of {whole:,}" for split, whole in splits if len(split) != whole)
    if held and session.options.limit is None:
        session.say(f"{name}: note: not the official release: {held} images")
    return _run(cell, session)


def _identified(cell: Cell) -> tuple[Cell, dict[str, Any], dict[str, str]]:
    """Says what can move a cell's number, by the names that messages have for it, and how messages show it."""
    protocol, data, source = cell.protocol, cell.data, cell.backbone.source
    said = {
        "benchmark": protocol.benchmark,
        "overrides": list(protocol.overrides),
        "protocol": f"{protocol.name} {protocol.fingerprint}",
        "checkpoint": source.sha256,
        "architecture": asdict(cell.backbone.spec),
        "seed": cell.seed,
        "limit": cell.limit,
        **{f"images of {split.layout.name} {split.name}": len(split) for split in (data.train, data.val)},
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
    _refuse_missing_layers(protocol.in_pixels(backbone.spec.patch_size), backbone)
    data = open_splits(protocol, options.data_root, options.limit)
    data_fingerprint = data.fingerprint
    key = cell_key(
        benchmark=protocol.benchmark,
        protocol=protocol.fingerprint,
        checkpoint_sha256=backbone.source.sha256,
        spec=asdict(backbone.spec),
        data=data_fingerprint,
        seed=options.seed,
        limit=options.limit,
    )
    name = options.name or Path(backbone.source.checkpoint).stem
    return Cell(name, protocol, backbone, data, data_fingerprint, options.seed, options.limit, key)


def _settings_of(cell: Cell) -> Settings:
    """Returns the protocol's fields as the cell's backbone runs them."""
    return cell.protocol.in_pixels(cell.backbone.spec.patch_size)


def _features_of(settings: DenseProtocol, depth: int) -> Features:
    """Returns what dense probes see, with numbered layers; raises ProtocolError where there are too few blocks."""
    return settings.features.resolved(depth) if isinstance(settings, DepthProtocol) else settings.features


def _task(settings: DenseProtocol, cell: Cell) -> Task:
    spec = cell.backbone.spec
    if isinstance(settings, DepthProtocol):
        return DepthTask(settings, spec)
    return SegmentationTask(settings, spec, cell.data.val.layout.num_classes)


def _evaluation(cell: Cell, session: _Session) -> tuple[FrozenBackbone, Callable[[Job], Outcome]]:
    """Returns the frozen backbone as the benchmark sees it, and what makes its score."""
    settings, device, world = _settings_of(cell), session.device, session.world
    for kind, run in ((KnnProtocol, run_knn), (LinearProtocol, run_linear), (LogregProtocol, run_logreg)):
        if isinstance(settings, kind):
            encoder = FrozenBackbone(cell.backbone, device, world)
            return encoder, partial(run, settings, encoder)
    features = FrozenFeatures(cell.backbone, _features_of(settings, cell.backbone.spec.depth), device, world)
    return features, partial(run_task, _task(settings, cell), features)


def _refuse_missing_layers(settings: Settings, backbone: Backbone) -> None:
    if not isinstance(settings, DenseProtocol):
        return
    depth = backbone.spec.depth
    for layer in _features_of(settings, depth).layers:
        if not -depth <= layer < depth:
            raise ProtocolError(f"features.layers: {layer} is no block of {backbone.spec.arch}, which has {depth}")


def _run(cell: Cell, session: _Session) -> bool:
    """Runs one cell and records what came of it; returns whether it succeeded."""
    options, store, device, world = session.options, session.store, session.device, session.world
    name = cell.protocol.benchmark
    begun = time.monotonic()
    encoder, evaluate = _evaluation(cell, session)
    resume = _resume_file(cell, options)
    record = describe(cell, device, options.command)  # first: whatever fails later, it can be recorded
    job = Job(
        data=cell.data,
        seed=cell.seed,
        resume=resume,
        store=session.features,
        label=name,
        model=cell.name,
        workers=_workers(options.workers, device, world),
        on_bad_image=options.on_bad_image,
        trained=trained_heads(cell, record.id, [] if options.rerun else store.read().records),
    )
    try:
        as_json(record)
    except RecordError as error:
        session.complain(f"error: {error}")
        return False
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    try:
        outcome = evaluate(job)
        world.together(encoder.refuse_not_finite)
    except Exception as error:  # whatever went wrong, the record says so and the next cell runs
        known = isinstance(error, DenseBenchError)
        if isinstance(error, SharedError) and not world.leads:
            return False  # the main process says and records it
        if world.size > 1 and not known:
            time.sleep(_GRACE_S)
        text = str(error) if known else printable(traceback.format_exc())
        store.add(record.model_copy(update={"status": "error", "error": text}), None)
        print(f"error: {text}\n{name}: failed; recorded as {record.id}", file=sys.stderr)
        if world.size > 1 and not isinstance(error, SharedError):
            raise SystemExit(1) from error  # the other processes wait for this one: let torchrun end them
        return False
    cost = measure_cost(resume.earlier_s + time.monotonic() - begun, encoder)
    if not world.leads:
        return True
    record = record.model_copy(
        update={
            "metrics": outcome.metrics,
            "primary": _primary(name, outcome),
            "selection": outcome.selection,
            "per_image": f"{record.id}.parquet",
            "cost": cost,
            "patch_tokens": outcome.patch_tokens,
            "trained_with": outcome.trained_with,
        }
    )
    path = store.add(record, outcome.per_image, outcome.gallery)
    resume.remove()
    _report(record, path)
    return True


def _primary(benchmark: str, outcome: Outcome) -> Primary:
    known = BENCHMARKS[benchmark]
    return Primary(name=known.metric, value=outcome.value, higher_is_better=known.higher_is_better, ci95=None)


def _workers(given: int | None, device: torch.device, world: World) -> int:
    if given is not None:
        return given
    return 0 if device.type == "cpu" else min(8, max(1, (os.cpu_count() or 1) // world.size))


def _report(record: Record, path: Path) -> None:
    print(f"{record.benchmark}: {_shown(record.primary)} in {duration(record.cost.wall_s)}; {path}")
    if record.selection is not None:
        print(f"{record.benchmark}: {_shown_selection(record.selection, record.primary.name)}")


def _shown(primary: Primary | None) -> str:
    return "no score" if primary is None else f"{primary.name} {_fixed(primary.name, primary.value)}"


def _fixed(metric: str, value: float) -> str:
    """Two decimals for percent, three for metres."""
    return f"{value:.3f}" if metric == "rmse" else f"{value:.2f}"


def _shown_selection(selection: dict[str, Any], metric: str) -> str:
    chosen, best = selection["chosen"], selection["best_on_val"]
    return (
        f"chose {_setting(chosen, metric)} of {len(selection['candidates'])} on {selection['images']} "
        f"{selection['on']} images; best on val would be {_fixed(metric, best[f'{metric}_val'])} "
        f"({_setting(best, metric)}), optimistic"
    )


def _setting(candidate: dict[str, Any], metric: str) -> str:
    """Writes a candidate's settings without its scores."""
    scores = (f"{metric}_held_out", f"{metric}_val")
    return ", ".join(
        f"{key.replace('_', ' ')} {f'{value:g}' if isinstance(value, float) else value}"
        for key, value in candidate.items()
        if key not in scores
    )
