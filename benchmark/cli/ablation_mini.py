"""``densebench ablation-mini``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_rendered_root, add_results

_ABLATION_MINI = """Train a tiny transformer three times on rendered images, shared, with specialised norms, and with
specialised norms and qkv, evaluate all on the mini benchmarks and print the ablation table. It shows the procedure; it
is far too small to tell which architecture is better."""


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    mini = verbs.add_parser(
        "ablation-mini", help="train three variants on rendered data, evaluate, compare", description=_ABLATION_MINI
    )
    add_rendered_root(mini)
    add_results(mini)
    mini.set_defaults(verb=_ablation_mini)


def _ablation_mini(options: argparse.Namespace) -> int:
    from benchmark.ablation_mini import run_ablation_mini

    return 1 if run_ablation_mini(options.data_root, options.results, options.command) else 0
