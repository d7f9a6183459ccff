"""``densebench rerun``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.cli.arguments import Verbs, add_device, add_results

_RERUN = """Repeat the run of a record with the same weights, protocol, seed and limit, and say whether the number is
the same. The run leaves a record of its own. Exit code 0: it agrees, 1: it does not, 2: it cannot be run."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    rerun = verbs.add_parser("rerun", help="repeat the run of a record: is the number the same?", description=_RERUN)
    rerun.add_argument("record", metavar="RECORD", help="identity, or path of its .json")
    add_results(rerun)
    rerun.add_argument("--checkpoint", metavar="CKPT", help="where the weights are now (default: where they were)")
    rerun.add_argument("--data-root", type=Path, metavar="DIR", help="where the data is now (default: where it was)")
    add_device(rerun)
    rerun.add_argument(
        "--tolerance", type=float, metavar="X", help="in the metric's unit (default: half the last printed digit)"
    )
    rerun.set_defaults(verb=_rerun)


def _rerun(options: argparse.Namespace) -> int:
    from benchmark.rerun import rerun

    found = rerun(
        options.record,
        options.results,
        command=options.command,
        checkpoint=options.checkpoint,
        data_root=options.data_root,
        device=options.device,
        tolerance=options.tolerance,
    )
    print("\n".join(found.lines()))
    return 0 if found.agrees else 1
