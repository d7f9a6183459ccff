"""``densebench ablation``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_results

_ABLATION = """Fill tables of configs/ablations/ from the records, write them as CSV, Markdown and LaTeX into
results/ablations/ and print them. Rows are matched by the properties of the models; a missing row comes with the
command that would fill it."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    ablation = verbs.add_parser(
        "ablation", help="tables of one change at a time, with differences", description=_ABLATION
    )
    ablation.add_argument(
        "tables", nargs="+", metavar="CONFIG", help="a table of configs/ablations/, or a file of your own"
    )
    add_results(ablation)
    ablation.add_argument(
        "--protocol", metavar="LABEL", help="as in the leaderboard (default: the one with most results)"
    )
    ablation.add_argument("--filter", nargs="+", default=(), metavar="COND", help="as for the leaderboard")
    ablation.set_defaults(verb=_ablation)


def _ablation(options: argparse.Namespace) -> int:
    from benchmark.report.commands import ablations

    return ablations(options.results, options.tables, label=options.protocol, conditions=options.filter)
