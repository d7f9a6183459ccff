"""``densebench leaderboard``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_results

_LEADERBOARD = """Write the whole leaderboard as CSV, Markdown, LaTeX and JSON into the results folder, and print the
part that is asked for. Exit code 1: a record cannot be trusted and was left out."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    board = verbs.add_parser(
        "leaderboard", help="make results/leaderboard.* from the records and print it", description=_LEADERBOARD
    )
    add_results(board)
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
        "--published", nargs="+", default=(), metavar="P", help="show published figures of a protocol beside ours"
    )
    board.set_defaults(verb=_leaderboard)


def _leaderboard(options: argparse.Namespace) -> int:
    from benchmark.report.commands import leaderboard

    return leaderboard(
        options.results,
        form=options.format,
        sort=options.sort,
        conditions=options.filter,
        published=options.published,
    )
