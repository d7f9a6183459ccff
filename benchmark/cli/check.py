"""``densebench check``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from benchmark.cli.arguments import CHECKPOINT, Verbs, add_data_root, add_device
from benchmark.errors import DenseBenchError, UsageError

if TYPE_CHECKING:
    from benchmark.benchmarks import Benchmark
    from benchmark.tasks import DataSize

_CHECK = """With --checkpoint: load it, say what it holds and how it would be run, test whether its features make sense,
and estimate how long benchmarks take. backbone.key=value gives settings that the weights do not show, as in run. With
--data: read every file of a dataset and say what is present, what is wrong, and which known variant it is. With both:
estimate the time on your own data too. Exit code 0: usable, 1: not usable, 2: it cannot be loaded; the higher one of
two checks."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    check = verbs.add_parser("check", help="check a checkpoint or a dataset before a long run", description=_CHECK)
    check.add_argument("--checkpoint", metavar="CKPT", help=CHECKPOINT)
    check.add_argument("--data", metavar="NAME", help="a dataset, or a .toml file that describes your own")
    add_data_root(check)
    add_device(check)
    check.add_argument("--json", action="store_true", help="machine-readable")
    check.set_defaults(verb=_check, takes_fields=True)


def _check(options: argparse.Namespace) -> int:
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
    from benchmark.doctor.checkpoint import check_checkpoint, render
    from benchmark.protocols.read_settings import parse_backbone_options

    given = parse_backbone_options(options.overrides)
    found = check_checkpoint(options.checkpoint, given, choose_device(options.device), _own(options))
    if not options.json:
        print(render(found, max(shutil.get_terminal_size((120, 24)).columns, 60)))
    return 1 if found.problems else 0, found.as_json()


def _own(options: argparse.Namespace) -> list[tuple[Benchmark, DataSize]]:
    """Returns the benchmarks on data of one's own; none where it cannot be read, of which its check tells."""
    from benchmark.benchmarks import find_dataset, is_description
    from benchmark.doctor.data_size import measured

    if options.data is None or not is_description(options.data):
        return []
    try:
        return measured(find_dataset(options.data), options.data_root)
    except DenseBenchError:
        return []


def _check_data(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Does for a dataset what `_check_checkpoint` does."""
    from benchmark.benchmarks import find_dataset
    from benchmark.doctor.data import check_data

    report = check_data(find_dataset(options.data), options.data_root, quiet=options.json)
    return 0 if report.usable else 1, report.as_json()
