"""``densebench report``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_results

_REPORT = """Write report.html into the results folder: one page that opens from disk, with tables, differences, costs,
classes, pictures and the record behind each number. Exit code 1: a record cannot be trusted and was left out."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    report = verbs.add_parser("report", help="make results/report.html from the records", description=_REPORT)
    add_results(report)
    report.set_defaults(verb=_report)


def _report(options: argparse.Namespace) -> int:
    from benchmark.report.commands import report

    return report(options.results)
