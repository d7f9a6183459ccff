"""``densebench run``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmark.benchmarks import BENCHMARKS, expand, groups
from benchmark.cli.arguments import (
    CHECKPOINT,
    Verbs,
    add_data_root,
    add_device,
    add_results,
    natural,
    positive,
    seconds,
)
from benchmark.errors import UsageError

_RUN = """Evaluate a checkpoint. Cells that are done are skipped; a killed run goes on where it was. After the options,
key=value replaces a protocol field, for example train.iterations=20 or 'probes.lr=[1e-3,1e-4]'."""

_PASSED_ON = (
    *("checkpoint", "name", "protocol", "data_root", "results", "device"),
    *("seed", "limit", "gpus", "workers", "save_every", "on_bad_image"),
)


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    run = verbs.add_parser("run", help="evaluate a checkpoint on benchmarks", description=_RUN, allow_abbrev=False)
    run.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help=f"{', '.join([*BENCHMARKS, *groups()])}")
    run.add_argument("--checkpoint", required=True, metavar="CKPT", help=CHECKPOINT)
    run.add_argument("--name", metavar="N", help="what tables call it (default: the file's name)")
    run.add_argument("--protocol", metavar="P", help="protocol name or config file (default: the benchmark's)")
    add_data_root(run)
    add_results(run)
    add_device(run)
    run.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    run.add_argument(
        "--limit", type=positive, metavar="N", help="smoke test: first N images of each split, at most N iterations"
    )
    run.add_argument("--rerun", action="store_true", help="run cells again that are done")
    run.add_argument("--gpus", type=positive, default=1, metavar="N", help="processes on this machine (default: 1)")
    run.add_argument(
        "--on-bad-image",
        choices=("error", "skip"),
        default="error",
        help="image classification: stop at an image that cannot be read, or name it and go on without it",
    )
    run.add_argument("--compile", action="store_true", help="torch.compile the backbone; says so where it cannot")
    run.add_argument("--workers", type=natural, metavar="N", help="loader processes (default: by device)")
    run.add_argument(
        "--save-every", type=seconds, default=30.0, metavar="S", help="seconds between saves of the state (default: 30)"
    )
    run.set_defaults(verb=_run, takes_fields=True)


def _run(options: argparse.Namespace) -> int:
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
                command=options.command,
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
    from benchmark.configs import protocol_names
    from benchmark.listing import without_data

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
