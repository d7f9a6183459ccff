"""``from benchmark import evaluate``: benchmarks on a checkpoint or on a module in memory, from Python."""

from __future__ import annotations

import functools
import shlex
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import Backbone, load_backbone
from benchmark.backbones.memory import LAYOUT, ToTokens, device_of, from_memory, unwrapped
from benchmark.backbones.weight_files import first_line
from benchmark.benchmarks import Benchmark
from benchmark.cache import VARIABLE, cache_folder
from benchmark.distributed import World
from benchmark.errors import DenseBenchError, EvaluationError, RecordError, UsageError
from benchmark.probing.run import LoadBackbone, Ran, run_each
from benchmark.probing.undisturbed import evaluation_mode, undisturbed
from benchmark.report.steps import name_at
from benchmark.requested import requested
from benchmark.results import Results, make_results
from benchmark.run_options import RunOptions

Model = str | Path | nn.Module | Backbone | tuple[nn.Module, ToTokens]
Benchmarks = str | Path | Benchmark | Sequence[str | Path | Benchmark]


def evaluate(
    model: Model,
    benchmarks: Benchmarks,
    *,
    data_root: str | Path,
    name: str | None = None,
    protocol: str | Path | None = None,
    overrides: Sequence[str] = (),
    results: str | Path | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
    limit: int | None = None,
    step: int | None = None,
) -> Results:
    """Evaluates a frozen model on benchmarks, as ``densebench run`` does: same names, rules, lines and numbers.

    It may be called in the middle of a training. A module is run where it lies, in evaluation mode and without
    gradients, and not copied. Afterwards modes, weights, gradients, random states, and the flags and defaults of
    PyTorch are what they were, also if an error or Ctrl-C ends it (see `benchmark.probing.undisturbed`). The weights
    are identified by a hash of their names, dtypes, shapes and bytes, taken at the beginning, and the code of a
    function that comes with them. Where a protocol computes in another precision, it says so; else weights compute in
    their own dtype.

    What is around a module is taken off: ``torch.compile`` runs as it was written, ``DistributedDataParallel`` as the
    module inside. This process works alone, so of several call it in one, while the others wait; modules whose weights
    are sharded (FSDP) are refused. Forward hooks run as ever, and what a module itself changes in evaluation mode
    stays changed. The peak of GPU memory that PyTorch counts starts anew.

    Args:
        model: What ``--checkpoint`` takes; or a module with a ``BackboneSpec`` as ``spec`` and a method
            ``tokens(images, *, layers, norm) -> list[Tokens]``, as the backbones of this package are; or a module with
            a method ``tokens(images)``; or a pair (module, function) of the weights and what turns images into tokens.
            Both get float images (B, 3, H, W) of any size in whole patches of p pixels, normalised, and return, for
            N = (H / p) * (W / p): ``Tokens``; a tensor (B, 1 + R + N, D) with [CLS], R registers and the patches row by
            row; a pair of [CLS] (B, D) and patches (B, N, D) or (B, D, H / p, W / p); a dict with ``cls``, ``patches``
            and perhaps ``registers``, or DINOv2's names, or ``last_hidden_state``; or a list with one of these for each
            block. Without a list there is one layer to ask for, and protocols that read several are refused.
            The patch size is that of ``spec``, ``patch_size``, ``patch_embed`` or ``config``, or of the first
            convolution; mean and std those of ``spec`` or ``pretrained_cfg``, else ImageNet's, and said to be assumed:
            the override ``backbone.mean=[...]`` gives others.
        benchmarks: Name of a benchmark or group, path of a description (``roofs.toml``), a `Benchmark`, or several.
        data_root: Folder that holds all datasets.
        name: What tables call the model; None takes the file's name or the module's class.
        protocol: Protocol name or config file; None takes each benchmark's default.
        overrides: ``key=value`` replacements of protocol fields, ``["train.iterations=20"]``.
        results: Results folder. Cells that are done there are not run again, whatever their name or step. None keeps
            records, per-image statistics and the state of a killed run nowhere but in a temporary folder, which is gone
            afterwards; the records are in what is returned.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"`` for a checkpoint, None being ``"auto"``. A module stays where it is,
            and another device is an error.
        seed: Seed of everything random.
        limit: First images of each split only, and no more iterations than that unless they are given.
        step: Step of the training that the weights are of: tables call the model ``NAME@STEP``, and `Results.to_frame`
            and `load_results` have a column of it.

    Returns:
        The records, one for each benchmark, with intervals.

    Raises:
        EvaluationError: Some benchmark failed; all others have run, and its ``results`` holds every record.
        UsageError: An argument that cannot be.
        CheckpointError: A model that cannot be used; nothing has run.
        ProtocolError, DataError, RecordError: A protocol, description or results folder that cannot be used; nothing
            has run.
    """
    _refuse_impossible(overrides, seed=(seed, 0), limit=(limit, 1), step=(step, 0))
    if not isinstance(data_root, str | Path):
        raise UsageError(f"data_root is the path of the folder that holds the datasets, received {data_root!r}")
    if not isinstance(name, str | None):
        raise UsageError(f"name must be a text, received {name!r}")
    given, names = _given(model, device), _names(benchmarks)
    called = name or given.name
    with ExitStack() as stack:
        scratch = stack.enter_context(_scratch()) if results is None or given.in_memory else None
        folder = Path(results) if results is not None else scratch / "results"
        options = RunOptions(
            data_root=Path(data_root),
            results=folder,
            name=called if step is None else name_at(called, step),
            protocol=None if protocol is None else str(protocol),
            overrides=tuple(overrides),
            seed=seed,
            limit=limit,
            records_kept=results is not None,
            # What belongs to weights that will soon be others is not kept in the user's cache.
            features=scratch / "features" if given.in_memory else None,
            heads=scratch / "heads" if given.in_memory else None,
        )
        options = replace(options, command=_command(options, given.checkpoint, names))
        stack.enter_context(undisturbed(given.device))
        if given.module is not None:
            stack.enter_context(evaluation_mode(given.module))
        chosen = requested(names, data_root=options.data_root, protocol=options.protocol)
        ran = [_without_frames(each) for each in run_each(chosen, given.load, options, given.device, World())]
        found = make_results([each.record for each in ran if each.record is not None], folder)
    _raise_failures(ran, found)
    return found


@dataclass(frozen=True)
class _Given:
    """The model, whatever it was given as."""

    name: str
    checkpoint: str
    load: LoadBackbone
    device: torch.device
    module: nn.Module | None
    """A module in memory."""

    @property
    def in_memory(self) -> bool:
        return self.module is not None


def _given(model: Model, device: str | torch.device | None) -> _Given:
    if isinstance(model, str | Path):
        place = _chosen(device)
        load = functools.partial(_load, str(model), place)
        return _Given(Path(model).stem, str(model), load, place, None)
    module, function = model if isinstance(model, tuple) and len(model) == 2 else (model, None)
    if not isinstance(module, nn.Module) or not (function is None or callable(function)):
        parts = model if isinstance(model, tuple) else (model,)
        said = ", ".join(type(each).__name__ for each in parts)
        raise UsageError(f"a model is a path, a torch.nn.Module or a pair (module, function); received {said}")
    module = unwrapped(module)
    name = type(module).__name__
    lies = device_of(module)
    place = _chosen(device if lies is None else lies)
    wanted = place if device in (None, "auto") else _device(device)
    if wanted.type != place.type or wanted.index not in (None, place.index):
        raise UsageError(f"{name} lies on {place} and is not moved; leave device out, or move the model to {wanted}")
    load = functools.partial(from_memory, module, function, device=place)
    return _Given(name, f"{LAYOUT}:{name}", load, place, module)


def _load(checkpoint: str, device: torch.device, given: BackboneOptions) -> Backbone:
    return load_backbone(checkpoint, device=device, **asdict(given))


def _chosen(device: str | torch.device | None) -> torch.device:
    """Returns a device that is there, a GPU with its number; None and ``auto`` take the current GPU if there is one."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    chosen = _device(("cuda" if there else "cpu") if device in (None, "auto") else device)
    if chosen.type == "cpu":
        return torch.device("cpu")
    if chosen.type != "cuda" or (chosen.index or 0) >= there:
        raise UsageError(f"device {str(chosen)!r}: benchmarks run on cpu and cuda, and PyTorch sees {there} GPUs here")
    return torch.device("cuda", torch.cuda.current_device() if chosen.index is None else chosen.index)


def _device(device: str | torch.device) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"device must be auto, cpu or cuda, received {device!r}") from error


def _names(benchmarks: Benchmarks) -> list[str | Benchmark]:
    single = isinstance(benchmarks, str | Path | Benchmark) or not isinstance(benchmarks, Iterable)
    several = [benchmarks] if single else list(benchmarks)
    strange = [type(each).__name__ for each in several if not isinstance(each, str | Path | Benchmark)]
    if strange:
        raise UsageError(f"benchmarks are names, paths of descriptions or Benchmarks, not {strange[0]}")
    return [each if isinstance(each, Benchmark) else str(each) for each in several]


def _refuse_impossible(overrides: Sequence[str], **numbers: tuple[int | None, int]) -> None:
    """Raises UsageError for numbers below their least, and overrides that are not a list of texts."""
    for name, (value, least) in numbers.items():
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**63
        if not fits and not (value is None and name != "seed"):
            raise UsageError(f"{name} must be an integer of at least {least}, received {value!r}")
    listed = isinstance(overrides, Iterable) and not isinstance(overrides, str)
    if not listed or not all(isinstance(each, str) for each in overrides):
        raise UsageError(f"overrides is a list of 'key=value', received {overrides!r}")


def _command(options: RunOptions, checkpoint: str, names: Sequence[str | Benchmark]) -> str:
    """Writes down what was asked for in the words of the command line, for the record."""
    words = ["evaluate", *(each.name if isinstance(each, Benchmark) else each for each in names)]
    given = {
        "--checkpoint": checkpoint,
        "--name": options.name,
        "--protocol": options.protocol,
        "--data-root": options.data_root,
        "--seed": options.seed,
        "--limit": options.limit,
    }
    for option, value in given.items():
        words += [] if value is None else [option, str(value)]
    return shlex.join([*words, *options.overrides])


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yields a folder that is gone afterwards, beside the user's other large files if there is a place for them."""
    cache = cache_folder()
    try:
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="evaluation-", dir=cache)
    except OSError as error:
        raise RecordError(
            f"{cache} cannot be written to ({error.strerror}); set {VARIABLE} to another folder"
        ) from error
    with folder as name:
        yield Path(name)


def _without_frames(ran: Ran) -> Ran:
    """Frees what an error refers to, tensors and the model among them, while other cells run; its lines are a note."""
    error: BaseException | None = ran.error
    if error is not None and not isinstance(error, DenseBenchError):
        error.add_note("".join(traceback.format_exception(error)).rstrip())
    while error is not None:
        error.__traceback__ = None
        if isinstance(error, AttributeError):
            error.obj = None  # the module that lacks it
        error = error.__cause__ or error.__context__
    return ran


def _raise_failures(ran: Sequence[Ran], results: Results) -> None:
    failed = [each for each in ran if each.error is not None]
    if not failed:
        return
    texts = "; ".join(f"{each.benchmark}: {_said(each.error).removeprefix(f'{each.benchmark}: ')}" for each in failed)
    first = failed[0].error
    raise EvaluationError(f"{len(failed)} of {len(ran)} benchmarks failed: {texts}", results) from first


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, DenseBenchError) else f"{type(error).__name__}: {first_line(error)}"
