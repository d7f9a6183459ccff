"""``densebench list``."""

from __future__ import annotations

import argparse
import json

from benchmark.cli.arguments import Verbs, add_data_root


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    listing = verbs.add_parser("list", help="benchmarks, protocols, checkpoint layouts, and which data is present")
    listing.add_argument(
        "benchmarks", nargs="*", metavar="BENCHMARK", help="only these, groups, or descriptions, my_data.toml"
    )
    listing.add_argument("--json", action="store_true", help="machine-readable")
    add_data_root(listing)
    listing.set_defaults(verb=_list)


def _list(options: argparse.Namespace) -> int:
    from benchmark.inventory import describe, inventory

    found = inventory(options.data_root, options.benchmarks)
    print(json.dumps(found, indent=1) if options.json else describe(found))
    return 0
