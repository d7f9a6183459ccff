"""The parser of all verbs, and what becomes of their errors."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import sys
from collections.abc import Sequence

from benchmark import __version__
from benchmark.cli import (
    ablation,
    ablation_mini,
    analyze,
    check,
    compare,
    data,
    demo,
    extract,
    leaderboard,
    listing,
    pretrain,
    report,
    rerun,
    run,
    specialize,
)
from benchmark.errors import DenseBenchError, SharedError
from benchmark.utf8 import is_utf8

_VERBS = (
    *(run, listing, check, data, extract, specialize, analyze, pretrain),
    *(leaderboard, compare, ablation, report, rerun, ablation_mini, demo),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit code: 0 done, 1 a cell failed, 2 the command cannot be carried out."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a terminal cannot show must not end a run
        sys.stdout.reconfigure(errors="backslashreplace")
    strange = next((word for word in given if not is_utf8(word)), None)
    if strange is not None:
        print(
            f"error: {strange!a} is not UTF-8, and records and tables take nothing else; rename the file or folder, or "
            "make a link to it",
            file=sys.stderr,
        )
        return 2
    parser = _parser()
    # argparse takes positionals in one run only, and key=value may stand anywhere after the verb.
    options, rest = parser.parse_known_args(given)
    strange = [word for word in rest if "=" not in word or word.startswith("-") or not options.takes_fields]
    if strange:
        parser.error(f"unrecognized arguments: {' '.join(strange)}")
    options.overrides = rest
    options.command = shlex.join(["densebench", *given])
    try:
        return options.verb(options)
    except SharedError as error:
        if os.environ.get("RANK", "0") == "0":  # all processes of a run raise it
            print(f"error: {error}", file=sys.stderr)
        return 2
    except DenseBenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command resumes", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="densebench", description="How good is a frozen vision transformer at dense and global tasks?"
    )
    parser.add_argument("--version", action="version", version=f"densebench {__version__}")
    parser.set_defaults(takes_fields=False)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in _VERBS:
        verb.add(verbs)
    return parser
