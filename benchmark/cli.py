"""The command line. Nothing heavy is imported before a verb runs: ``densebench --help`` must answer at once."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import __version__
from benchmark.benchmarks import BENCHMARKS, expand, groups
from benchmark.errors import DenseBenchError, UsageError

if TYPE_CHECKING:
    from benchmark.probing.extract import View


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit code: 0 done, 1 a cell failed, 2 the command cannot be carried out."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    # argparse takes positionals in one run only, and key=value may stand anywhere after the verb.
    options, rest = parser.parse_known_args(given)
    takes_fields = options.verb in (_run, _check, _extract, _specialize, _analyze, _pretrain)
    strange = [word for word in rest if "=" not in word or word.startswith("-") or not takes_fields]
    if strange:
        parser.error(f"unrecognized arguments: {' '.join(strange)}")
    options.overrides = rest
    try:
        return options.verb(options, shlex.join(["densebench", *given]))
    except DenseBenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on where it was", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="densebench", description="How good is a frozen vision transformer at dense and global tasks?"
    )
    parser.add_argument("--version", action="version", version=f"densebench {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    run = verbs.add_parser("run", help="evaluate a checkpoint on benchmarks", description=_RUN, allow_abbrev=False)
    run.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help=f"{', '.join([*BENCHMARKS, *groups()])}")
    run.add_argument("--checkpoint", required=True, metavar="CKPT", help=_CHECKPOINT)
    run.add_argument("--name", metavar="N", help="what tables call it (default: the file's name)")
    run.add_argument("--protocol", metavar="P", help="protocol name or config file (default: the benchmark's)")
    run.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR", help="datasets (default: data)")
    _add_results(run)
    run.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    run.add_argument("--seed", type=_natural, default=0, metavar="N", help="default: 0")
    run.add_argument(
        "--limit", type=_positive, metavar="N", help="smoke test: first N images of each split, at most N iterations"
    )
    run.add_argument("--rerun", action="store_true", help="run cells again that are done")
    run.add_argument("--gpus", type=_positive, default=1, metavar="N", help="processes on this machine (default: 1)")
    run.add_argument(
        "--on-bad-image",
        choices=("error", "skip"),
        default="error",
        help="image classification: stop at an image that cannot be read, or name it and go on without it",
    )
    run.add_argument("--compile", action="store_true", help="torch.compile the backbone; says so where it cannot")
    run.add_argument("--workers", type=_natural, metavar="N", help="loader processes (default: by device)")
    run.add_argument(
        "--save-every", type=float, default=30.0, metavar="S", help="seconds between saves of the state (default: 30)"
    )
    run.set_defaults(verb=_run)

    listing = verbs.add_parser("list", help="benchmarks, protocols, checkpoint layouts, datasets and what is there")
    listing.add_argument("--json", action="store_true", help="machine-readable")
    listing.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR", help="datasets (default: data)")
    listing.set_defaults(verb=_list)

    _add_check(verbs)
    _add_data(verbs)
    _add_extract(verbs)
    _add_specialize(verbs)
    _add_analyze(verbs)
    _add_pretrain(verbs)

    _add_leaderboard(verbs)
    _add_compare(verbs)
    _add_ablation(verbs)
    _add_report(verbs)
    _add_rerun(verbs)

    mini = verbs.add_parser(
        "ablation-mini", help="train three variants on rendered data, evaluate, compare", description=_ABLATION_MINI
    )
    mini.add_argument(
        "--data-root", type=Path, default=Path("data/mini"), metavar="DIR", help="rendered data (default: data/mini)"
    )
    _add_results(mini)
    mini.set_defaults(verb=_ablation_mini)

    demo = verbs.add_parser("demo", help="the whole story on rendered data, no network, no weights")
    demo.add_argument(
        "--data-root", type=Path, default=Path("data/mini"), metavar="DIR", help="rendered data (default: data/mini)"
    )
    _add_results(demo)
    demo.set_defaults(verb=_demo)
    return parser


def _add_leaderboard(verbs: argparse._SubParsersAction) -> None:
    board = verbs.add_parser(
        "leaderboard", help="make results/leaderboard.* from the records and print it", description=_LEADERBOARD
    )
    _add_results(board)
    board.add_argument(
        "--format",
        choices=("terminal", "csv", "markdown", "latex", "json"),
        default="terminal",
        help="default: terminal",
    )
    board.add_argument("--sort", metavar="COLUMN", help="ade20k_miou for example; scores best first")
    board.add_argument(
        "--filter", nargs="+", default=(), metavar="COND", help="protocol=dinov2, 'name=*vit*', 'params_m<100'"
    )
    board.add_argument(
        "--published", nargs="+", default=(), metavar="P", help="lay published figures of a protocol beside ours"
    )
    board.set_defaults(verb=_leaderboard)


def _add_compare(verbs: argparse._SubParsersAction) -> None:
    compare = verbs.add_parser("compare", help="is a difference between two models real?", description=_COMPARE)
    compare.add_argument("first", metavar="A", help="name, beginning of the checkpoint's hash, or record")
    compare.add_argument("second", metavar="B", help="likewise; differences are B minus A")
    _add_results(compare)
    compare.add_argument("--json", action="store_true", help="machine-readable, with every class")
    compare.set_defaults(verb=_compare)


def _add_ablation(verbs: argparse._SubParsersAction) -> None:
    ablation = verbs.add_parser(
        "ablation", help="tables of one change at a time, with differences", description=_ABLATION
    )
    ablation.add_argument(
        "tables", nargs="+", metavar="CONFIG", help="a table of configs/ablations/, or a file of yours"
    )
    _add_results(ablation)
    ablation.add_argument("--protocol", metavar="LABEL", help="as the leaderboard has it (default: the fullest)")
    ablation.add_argument("--filter", nargs="+", default=(), metavar="COND", help="as for the leaderboard")
    ablation.set_defaults(verb=_ablation)


def _add_report(verbs: argparse._SubParsersAction) -> None:
    report = verbs.add_parser("report", help="make results/report.html from the records", description=_REPORT)
    _add_results(report)
    report.set_defaults(verb=_report)


def _add_rerun(verbs: argparse._SubParsersAction) -> None:
    rerun = verbs.add_parser("rerun", help="run a record's cell again: does it agree?", description=_RERUN)
    rerun.add_argument("record", metavar="RECORD", help="identity, or path of its .json")
    _add_results(rerun)
    rerun.add_argument("--checkpoint", metavar="CKPT", help="where the weights are now (default: where they were)")
    rerun.add_argument("--data-root", type=Path, metavar="DIR", help="where the data is now (default: where it was)")
    rerun.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    rerun.add_argument(
        "--tolerance", type=float, metavar="X", help="in the metric's unit (default: half the last printed digit)"
    )
    rerun.set_defaults(verb=_rerun)


def _add_check(verbs: argparse._SubParsersAction) -> None:
    check = verbs.add_parser("check", help="look at a checkpoint or data before hours are spent", description=_CHECK)
    check.add_argument("--checkpoint", metavar="CKPT", help=_CHECKPOINT)
    check.add_argument("--data", metavar="NAME", help="dataset to read, file by file")
    check.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR", help="datasets (default: data)")
    check.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    check.add_argument("--json", action="store_true", help="machine-readable")
    check.set_defaults(verb=_check)


def _add_data(verbs: argparse._SubParsersAction) -> None:
    data = verbs.add_parser("data", help="put a dataset into its official layout and check it", description=_DATA)
    data.add_argument(
        "dataset",
        metavar="NAME",
        help="ade20k, voc2012, cityscapes, nyu, kitti, sunrgbd or imagenet; or cache: the stored features",
    )
    data.add_argument(
        "--from", dest="sources", nargs="+", default=(), metavar="SOURCE", help="archives, folders, lists or URLs"
    )
    data.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR", help="datasets (default: data)")
    existing = data.add_mutually_exclusive_group()
    existing.add_argument("--add", action="store_true", help="add to the dataset that is there")
    existing.add_argument("--replace", action="store_true", help="make the dataset that is there anew")
    data.add_argument("--skip-checksum", action="store_true", help="use archives with another checksum")
    data.add_argument("--keep-downloads", action="store_true", help="keep fetched archives")
    data.add_argument("--prune", action="store_true", help="cache: delete stored features")
    data.add_argument("--older-than", type=_positive, metavar="DAYS", help="cache: only what was not used for so long")
    data.add_argument("--incomplete", action="store_true", help="cache: only what was never finished")
    data.set_defaults(verb=_data)


def _add_extract(verbs: argparse._SubParsersAction) -> None:
    extract = verbs.add_parser(
        "extract", help="frozen features of a dataset's images, for others", description=_EXTRACT
    )
    extract.add_argument("--checkpoint", required=True, metavar="CKPT", help=_CHECKPOINT)
    extract.add_argument("--dataset", required=True, metavar="D", help="a dataset of `densebench list`")
    extract.add_argument("--output", required=True, type=Path, metavar="DIR", help="new folder, or one to go on with")
    extract.add_argument("--split", default="val", metavar="S", help="default: val")
    extract.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR", help="datasets (default: data)")
    extract.add_argument("--limit", type=_positive, metavar="N", help="first N images; of class folders, spread evenly")
    extract.add_argument(
        "--tokens", default="cls,patches", metavar="A,B", help="of cls, registers, mean, patches (default: cls,patches)"
    )
    extract.add_argument(
        "--layers", type=_integers, default=(-1,), metavar="I,J", help="blocks, as in --layers=-4,-1 (default: -1)"
    )
    extract.add_argument("--no-norm", action="store_true", help="leave the final LayerNorm out")
    extract.add_argument("--resize", type=_positive, metavar="N", help="short side, pixels (default: 256)")
    extract.add_argument("--crop", type=_positive, metavar="N", help="central square (default: 224)")
    extract.add_argument(
        "--size", type=_positive, metavar="N", help="squash the whole image to N x N instead of --resize and --crop"
    )
    extract.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of the backbone")
    extract.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float16", help="of the files")
    extract.add_argument("--format", choices=("safetensors", "npy"), default="safetensors", help="of the files")
    extract.add_argument("--on-bad-image", choices=("error", "skip"), default="error", help="default: error")
    extract.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    extract.add_argument("--batch-size", type=_positive, default=32, metavar="N", help="images per pass (default: 32)")
    extract.add_argument("--workers", type=_natural, metavar="N", help="loader processes (default: by device)")
    extract.set_defaults(verb=_extract)


def _add_specialize(verbs: argparse._SubParsersAction) -> None:
    special = verbs.add_parser(
        "specialize",
        help="give [CLS] and patches weights of their own, the function unchanged",
        description=_SPECIALIZE,
    )
    special.add_argument("input", type=Path, metavar="IN", help="checkpoint of any layout that is read")
    special.add_argument("output", type=Path, metavar="OUT", help=".pth or .safetensors to write")
    special.add_argument("--preset", metavar="NAME", help="a name of `densebench list`, for example norms+qkv")
    special.add_argument(
        "--layers",
        metavar="A,B",
        help="norm1, norm2, ls1, ls2, qkv, proj, mlp, norm (the final one); split in --blocks",
    )
    special.add_argument("--blocks", default="all", metavar="BLOCKS", help=f"where --layers are split; {_BLOCKS}")
    for layer in ("qkv", "proj", "mlp"):
        special.add_argument(f"--{layer}-blocks", metavar="BLOCKS", help=f"where {layer} is split; {_BLOCKS}")
    special.add_argument(
        "--lora-rank", type=_positive, metavar="R", help="low-rank additions in --qkv-blocks, no copies"
    )
    special.add_argument("--registers", choices=("patch", "cls"), help="whose copy the registers pass (default: patch)")
    special.add_argument("--seed", type=_natural, default=0, metavar="N", help="of low-rank additions (default: 0)")
    special.set_defaults(verb=_specialize)


def _add_analyze(verbs: argparse._SubParsersAction) -> None:
    analyze = verbs.add_parser("analyze", help="what tokens look like inside, with figures", description=_ANALYZE)
    analyze.add_argument("images", nargs="?", metavar="IMAGES", help="folder of pictures (default: rendered rooms)")
    analyze.add_argument(
        "--checkpoint", required=True, action="append", metavar="CKPT", help="file or folder; again for side by side"
    )
    analyze.add_argument("--output", type=Path, metavar="DIR", help="default: analysis/NAME in the results folder")
    _add_results(analyze)
    analyze.add_argument("--size", type=_positive, default=224, metavar="N", help="side of pictures (default: 224)")
    analyze.add_argument("--limit", type=_positive, metavar="N", help="N pictures, spread over the folder; N rooms")
    analyze.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    analyze.set_defaults(verb=_analyze)


def _add_pretrain(verbs: argparse._SubParsersAction) -> None:
    pretrain = verbs.add_parser(
        "pretrain", help="train a backbone, specialised or not, on class folders", description=_PRETRAIN
    )
    pretrain.add_argument("output", type=Path, metavar="OUT", help=".pth or .safetensors to write")
    pretrain.add_argument(
        "--recipe", required=True, metavar="R", help="supervised, dino, mini-supervised, mini-dino or a config file"
    )
    pretrain.add_argument(
        "--data-root",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="holds imagenet/train/<class>/ (default: data)",
    )
    pretrain.add_argument("--size", default="tiny", metavar="S", help="tiny, Ti, S, B, L, H or g (default: tiny)")
    pretrain.add_argument(
        "--specialization", default="none", metavar="NAME", help="a name of `densebench list` (default: none)"
    )
    pretrain.add_argument("--registers", type=_natural, default=0, metavar="N", help="default: 0")
    pretrain.add_argument("--attention-bias", action="store_true", help="a learned key and value in every head")
    pretrain.add_argument("--seed", type=_natural, default=0, metavar="N", help="default: 0")
    pretrain.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    pretrain.add_argument(
        "--gpus", type=_positive, default=1, metavar="N", help="processes on this machine (default: 1)"
    )
    pretrain.add_argument("--workers", type=_natural, metavar="N", help="loader processes (default: by device)")
    pretrain.add_argument(
        "--save-every", type=float, default=60.0, metavar="S", help="seconds between saves of the state (default: 60)"
    )
    pretrain.set_defaults(verb=_pretrain)


_RUN = """Evaluate a checkpoint. Cells that are done are skipped; a killed run goes on where it was. After the options,
key=value replaces a protocol field, for example train.iterations=20 or 'probes.lr=[1e-3,1e-4]'."""


_CHECKPOINT = "file or folder, hf:DIR, timm:NAME, my_file.py:build, or 'pixels' for the floor"

_CHECK = """With --checkpoint: load it, say what it holds and how it would be run, and see whether its features make
sense; backbone.key=value says what its tensors do not, as in run. With --data: read every file of a dataset, say what
is there, what is wrong, and which known variant it is. Exit code 0: usable, 1: not, 2: it cannot be loaded; of two
checks the worse."""

_DATA = """Put a dataset into its official layout under the data root, whole or not at all, and check every file.
Without --from: complete and check what is there, or tell where to get it. An interrupted download goes on. "data cache"
lists the stored features and, with --prune, frees their room."""

_EXTRACT = """Write the frozen features of a dataset's images to a folder, as safetensors shards or numpy arrays with a
manifest that says what they are and how to read them. Images become squares of one size, so that tensors have one
shape. A killed extraction goes on where it was; a folder that holds something else is refused. backbone.key=value says
what the checkpoint's tensors do not, as in run."""

_SPECIALIZE = """Write a checkpoint whose [CLS] and patch tokens pass through copies of their own of some layers (arXiv
2602.08626). The copies begin equal, so the function is the same until it is trained."""

_PRETRAIN = """Train a vision transformer from scratch: supervised after DeiT-III, or self-supervised after DINOv2.
Variants of one size and seed start from equal weights and see the same images in the same order. A killed run goes on
where it was. key=value replaces a recipe field, for example train.steps=1000."""

_ABLATION_MINI = """Train a tiny transformer three times on rendered images, shared, with specialised norms, and with
specialised norms and qkv, evaluate all on the mini benchmarks and print the ablation table. It shows the path; it is
far too small to tell which architecture is better."""

_LEADERBOARD = """Write the leaderboard as CSV, Markdown, LaTeX and JSON into the results folder, whole, and print the
part that is asked for. Exit code 1: a record cannot be trusted and was left out."""

_COMPARE = """Compare two models on every benchmark both have run under the same protocol on the same images: difference
with interval, p-value, images won and lost, classes that gain and lose. What is not paired is refused."""

_ABLATION = """Fill tables of configs/ablations/ from the records, write them as CSV, Markdown and LaTeX into
results/ablations/ and print them. Rows are matched by what the models are; what is missing is named with the command
that would fill it."""

_REPORT = """Write report.html into the results folder: one page that opens from disk, with tables, differences, costs,
classes, pictures and the record behind each number. Exit code 1: a record cannot be trusted and was left out."""

_RERUN = """Run the cell of a record again, with the same weights, protocol, seed and limit, and say whether the number
comes out the same. The run leaves a record of its own. Exit code 0: it agrees, 1: it does not, 2: it cannot be run."""

_ANALYZE = """Look into the blocks of one or more checkpoints, on the same pictures: cosine similarity of [CLS] and
patches around each layer, largest dimensions, norms and outliers, attention of [CLS], principal components (arXiv
2602.08626). Writes figures, a tidy table and a summary. backbone.key=value says what the checkpoints' tensors do not,
as in run."""

_BLOCKS = "all, 8 (the first 8), 1/3, or 0-7,12"

_PASSED_ON = (
    *("checkpoint", "name", "protocol", "data_root", "results", "device"),
    *("seed", "limit", "gpus", "workers", "save_every", "on_bad_image"),
)


def _add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _run(options: argparse.Namespace, command: str) -> int:
    overrides = [*(word for word in options.benchmarks if "=" in word), *options.overrides]
    benchmarks = _that_can_run([word for word in options.benchmarks if "=" not in word], options)
    from benchmark.probing.distributed import is_launched, launch, writes_tables

    if is_launched() or options.gpus == 1:
        from benchmark.probing.run import RunOptions, run_cells

        failed = run_cells(
            benchmarks,
            options.checkpoint,
            RunOptions(
                data_root=options.data_root,
                results=options.results,
                name=options.name,
                protocol=options.protocol,
                overrides=tuple(overrides),
                device=options.device,
                seed=options.seed,
                limit=options.limit,
                rerun=options.rerun,
                workers=options.workers,
                save_every_s=options.save_every,
                compile=options.compile,
                on_bad_image=options.on_bad_image,
                command=command,
            ),
        )
    else:  # one launch per benchmark: a failing one ends its processes, not the others
        words = _words(options)
        from benchmark.protocols import share_overrides

        names = {name: options.protocol or BENCHMARKS[name].default_protocol for name in benchmarks}
        shared = share_overrides(benchmarks, names, overrides)
        failed = sum(launch(options.gpus, ["run", name, *words, *shared[name]]) != 0 for name in benchmarks)
    if writes_tables():
        from benchmark.report.verbs import leaderboard

        leaderboard(options.results)
    return 1 if failed else 0


def _words(options: argparse.Namespace) -> list[str]:
    """Writes the options of ``run`` down again, for a process of its own."""
    words = [f"--{flag}" for flag in ("rerun", "compile") if getattr(options, flag)]
    for option in _PASSED_ON:
        value = getattr(options, option)
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    return words


def _that_can_run(names: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Expands groups; a member without its data or the protocol is skipped, a benchmark named by itself is not."""
    from benchmark.listing import protocol_names, without_data

    kept = []
    for name, named in expand(names):
        missing = without_data(name, options.data_root)
        if named:
            kept.append(name)
        elif missing is not None:
            print(f"{name}: skipped, no {missing}")
        elif options.protocol not in (None, *protocol_names(name)) and not options.protocol.endswith(".py"):
            print(f"{name}: skipped, it has no protocol {options.protocol!r}")
        else:
            kept.append(name)
    if not kept:
        raise UsageError(f"no benchmark of {' '.join(names)} can run with the data under {options.data_root}")
    return kept


def _list(options: argparse.Namespace, _command: str) -> int:
    from benchmark.listing import describe, inventory

    found = inventory(options.data_root)
    print(json.dumps(found, indent=1) if options.json else describe(found))
    return 0


def _check(options: argparse.Namespace, _command: str) -> int:
    if options.checkpoint is None and options.data is None:
        raise UsageError("nothing to check: give --checkpoint CKPT, --data NAME, or both")
    if options.checkpoint is None and options.overrides:
        raise UsageError(f"{options.overrides[0]} is about a checkpoint, and there is no --checkpoint")
    wanted = {"checkpoint": _check_checkpoint, "data": _check_data}
    wanted = {name: look for name, look in wanted.items() if getattr(options, name) is not None}
    if len(wanted) == 1:
        [look] = wanted.values()
        code, found = look(options)
    else:
        code, found = 0, {}
        for name, look in wanted.items():  # one that cannot be carried out does not stop the other
            try:
                own, found[name] = look(options)
            except DenseBenchError as error:
                print(f"error: {error}", file=sys.stderr)
                own, found[name] = 2, {"error": str(error)}
            code = max(code, own)
    if options.json:
        print(json.dumps(found, indent=1))
    return code


def _check_checkpoint(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Prints an examination unless JSON is wanted; returns the exit code and the examination as plain values."""
    from benchmark.devices import choose_device
    from benchmark.doctor import check_checkpoint, render
    from benchmark.protocols import parse_backbone_options

    given = parse_backbone_options(options.overrides)
    found = check_checkpoint(options.checkpoint, given, choose_device(options.device))
    if not options.json:
        print(render(found, max(shutil.get_terminal_size((120, 24)).columns, 60)))
    return 1 if found.problems else 0, found.as_json()


def _check_data(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Does for a dataset what `_check_checkpoint` does."""
    from benchmark.data.verify import check_data

    report = check_data(options.data, options.data_root, quiet=options.json)
    return 0 if report.usable else 1, report.as_json()


def _data(options: argparse.Namespace, _command: str) -> int:
    if options.dataset == "cache":
        return _cache(options)
    if options.prune or options.older_than is not None or options.incomplete:
        raise UsageError("--prune, --older-than and --incomplete belong to `densebench data cache`")
    from benchmark.data.prepare import prepare

    return prepare(
        options.dataset,
        options.sources,
        options.data_root,
        existing="add" if options.add else "replace" if options.replace else "refuse",
        skip_checksum=options.skip_checksum,
        keep_downloads=options.keep_downloads,
    )


def _cache(options: argparse.Namespace) -> int:
    from benchmark.cache import features_folder
    from benchmark.probing.feature_store.inventory import describe, prune, stored

    if options.sources or options.add or options.replace:
        raise UsageError("the cache is filled by runs; `densebench data cache` lists it, --prune frees it")
    if not options.prune and (options.older_than is not None or options.incomplete):
        raise UsageError("data cache: --older-than and --incomplete choose what --prune deletes; add --prune")
    root = features_folder()
    if options.prune:
        print(prune(root, older_than_days=options.older_than, incomplete_only=options.incomplete))
    else:
        print(f"Stored features\n{describe(stored(root))}")
    return 0


def _view(options: argparse.Namespace) -> View:
    from benchmark.probing.extract import View

    if options.size is None:
        return View(options.resize or 256, options.crop or 224)
    if options.resize is not None or options.crop is not None:
        raise UsageError("--size squashes the whole image: leave --resize and --crop out, or --size")
    return View(None, options.size)


def _extract(options: argparse.Namespace, _command: str) -> int:
    from benchmark.probing.extract import ExtractOptions, extract

    extract(
        options.checkpoint,
        options.dataset,
        options.output,
        ExtractOptions(
            data_root=options.data_root,
            split=options.split,
            limit=options.limit,
            overrides=tuple(options.overrides),
            tokens=tuple(options.tokens.split(",")),
            layers=options.layers,
            norm=not options.no_norm,
            view=_view(options),
            precision=options.precision,
            dtype=options.dtype,
            format=options.format,
            on_bad_image=options.on_bad_image,
            device=options.device,
            batch_size=options.batch_size,
            workers=options.workers,
        ),
    )
    return 0


def _specialize(options: argparse.Namespace, _command: str) -> int:
    from benchmark.backbones.specialize import specialize_file
    from benchmark.protocols import parse_backbone_options

    blocks = {"qkv": options.qkv_blocks, "proj": options.proj_blocks, "mlp": options.mlp_blocks}
    done = specialize_file(
        options.input,
        options.output,
        parse_backbone_options(options.overrides),
        preset=options.preset,
        layers={
            **dict.fromkeys(filter(None, (options.layers or "").split(",")), options.blocks),
            **{layer: text for layer, text in blocks.items() if text is not None},
        },
        lora_rank=options.lora_rank,
        registers_follow=options.registers,
        seed=options.seed,
    )
    print(done)
    return 0


def _analyze(options: argparse.Namespace, _command: str) -> int:
    from benchmark.analysis.analyze import analyze, describe
    from benchmark.devices import choose_device
    from benchmark.protocols import parse_backbone_options

    images = options.images
    if images is not None and images.startswith("backbone."):  # argparse takes the first word without dashes
        options.overrides, images = [images, *options.overrides], None
    found = analyze(
        options.checkpoint,
        images=None if images is None else Path(images),
        results=options.results,
        output=options.output,
        size=options.size,
        limit=options.limit,
        options=parse_backbone_options(options.overrides),
        device=choose_device(options.device),
    )
    print(describe(found))
    return 0


def _pretrain(options: argparse.Namespace, command: str) -> int:
    from benchmark.pretraining import PretrainOptions, prepare, pretrain
    from benchmark.probing.distributed import is_first, is_launched, launch

    given = PretrainOptions(
        data_root=options.data_root,
        recipe=options.recipe,
        size=options.size,
        specialization=options.specialization,
        num_registers=options.registers,
        attention_bias=options.attention_bias,
        overrides=tuple(options.overrides),
        seed=options.seed,
        device=options.device,
        workers=options.workers,
        save_every_s=options.save_every,
    )
    # What is wrong is told once, here: torchrun adds a report of its own to each error of its processes.
    if options.gpus > 1 and not is_launched() and prepare(options.output, given, options.gpus):
        return launch(options.gpus, shlex.split(command)[1:])
    trained = pretrain(options.output, given)
    done = "written" if trained else "done already"
    if is_first():
        print(f"{options.output}: {done}; log: {options.output.with_suffix('.jsonl')}")
    return 0


def _ablation_mini(options: argparse.Namespace, command: str) -> int:
    from benchmark.ablation_mini import run_ablation_mini

    return 1 if run_ablation_mini(options.data_root, options.results, command) else 0


def _leaderboard(options: argparse.Namespace, _command: str) -> int:
    from benchmark.report.verbs import leaderboard

    return leaderboard(
        options.results,
        form=options.format,
        sort=options.sort,
        conditions=options.filter,
        published=options.published,
    )


def _compare(options: argparse.Namespace, _command: str) -> int:
    from benchmark.report.verbs import compare_models

    return compare_models(options.results, options.first, options.second, as_json=options.json)


def _ablation(options: argparse.Namespace, _command: str) -> int:
    from benchmark.report.verbs import ablations

    return ablations(options.results, options.tables, label=options.protocol, conditions=options.filter)


def _report(options: argparse.Namespace, _command: str) -> int:
    from benchmark.report.page.verb import report

    return report(options.results)


def _rerun(options: argparse.Namespace, command: str) -> int:
    from benchmark.rerun import rerun

    found = rerun(
        options.record,
        options.results,
        command=command,
        checkpoint=options.checkpoint,
        data_root=options.data_root,
        device=options.device,
        tolerance=options.tolerance,
    )
    print("\n".join(found.lines()))
    return 0 if found.agrees else 1


def _demo(options: argparse.Namespace, command: str) -> int:
    from benchmark.demo import run_demo
    from benchmark.report.page.verb import report
    from benchmark.report.verbs import leaderboard

    failed = run_demo(options.data_root, options.results, command)
    leaderboard(options.results)
    print()
    report(options.results)
    results = options.results
    print(f"""
Where everything is
  report page     {results / "report.html"}   open this: what was asked and measured, how sure one can be
  leaderboard     {results / "leaderboard.csv"}
  ablation table  {results / "ablations" / "mini.md"}
  records         {results / "runs"}
Your own checkpoint: make ade20k voc CHECKPOINT=my_vit.pth DATA_ROOT=my_data""")
    return 1 if failed else 0
