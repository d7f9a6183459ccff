"""``densebench check``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import Any

from benchmark.cli.arguments import CHECKPOINT, Verbs, add_data_root, add_device
from benchmark.errors import DenseBenchError, UsageError

_CHECK = """With --checkpoint: load it, say what it holds and how it would be run, and see whether its features make
sense; backbone.key=value says what its tensors do not, as in run. With --data: read every file of a dataset, say what
is there, what is wrong, and which known variant it is. Exit code 0: usable, 1: not, 2: it cannot be loaded; of two
checks the worse."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    check = verbs.add_parser("check", help="look at a checkpoint or data before hours are spent", description=_CHECK)
    check.add_argument("--checkpoint", metavar="CKPT", help=CHECKPOINT)
    check.add_argument("--data", metavar="NAME", help="dataset to read, file by file")
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
