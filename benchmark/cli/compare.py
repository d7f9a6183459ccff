"""``densebench compare``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_results

_COMPARE = """Compare two models on every benchmark that both have run under the same protocol on the same images:
difference with interval, p-value, images won and lost, classes that gain and lose. Results that cannot be paired are
refused with the reason."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    compare = verbs.add_parser("compare", help="is a difference between two models real?", description=_COMPARE)
    compare.add_argument("first", metavar="A", help="name, beginning of the checkpoint's hash, or a record's identity")
    compare.add_argument("second", metavar="B", help="likewise; differences are B minus A")
    add_results(compare)
    compare.add_argument("--json", action="store_true", help="machine-readable, with every class")
    compare.set_defaults(verb=_compare)


def _compare(options: argparse.Namespace) -> int:
    from benchmark.report.commands import compare_models

    return compare_models(options.results, options.first, options.second, as_json=options.json)
