"""``densebench run``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import CHECKPOINT, Verbs
from benchmark.cli.options import add_options, read_options, words_of
from benchmark.options import positive
from benchmark.run_options import RunOptions

_RUN = """Evaluate a checkpoint. Benchmarks that are already done are skipped; an interrupted run resumes. key=value
replaces a protocol field, for example train.iterations=20 or 'probes.lr=[1e-3,1e-4]'."""

_BENCHMARKS = (
    "names or groups of `densebench list`, or a .toml file that describes your own data; my_data.toml:knn is one "
    "benchmark of several"
)


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    run = verbs.add_parser("run", help="evaluate a checkpoint on benchmarks", description=_RUN, allow_abbrev=False)
    run.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help=_BENCHMARKS)
    run.add_argument("--checkpoint", required=True, metavar="CKPT", help=CHECKPOINT)
    add_options(run, RunOptions)
    run.add_argument("--gpus", type=positive, default=1, metavar="N", help="processes on this machine (default: 1)")
    run.set_defaults(verb=_run, takes_fields=True)


def _run(options: argparse.Namespace) -> int:
    from benchmark.requested import requested

    overrides = [*(word for word in options.benchmarks if "=" in word), *options.overrides]
    benchmarks = requested(
        [word for word in options.benchmarks if "=" not in word], data_root=options.data_root, protocol=options.protocol
    )
    from benchmark.distributed import is_launched, launch, writes_tables

    given = read_options(RunOptions, options, overrides=tuple(overrides), command=options.command)
    if is_launched() or options.gpus == 1:
        from benchmark.probing.run import run_cells

        failed = run_cells(benchmarks, options.checkpoint, given)
    else:  # one launch per benchmark: a failing one ends its processes, not the others
        from benchmark.load_protocol import share_overrides

        names = {each.name: given.protocol or each.default_protocol for each in benchmarks}
        shared = share_overrides(benchmarks, names, overrides)
        words = ["--checkpoint", options.checkpoint, "--gpus", str(options.gpus), *words_of(given)]
        commands = [["run", each.word, *words, *shared[each.name]] for each in benchmarks]
        failed = sum(launch(options.gpus, command) != 0 for command in commands)
    if writes_tables():
        from benchmark.report.commands import leaderboard

        leaderboard(options.results)
    return 1 if failed else 0
