"""``densebench demo``."""

from __future__ import annotations

import argparse

from benchmark.cli.arguments import Verbs, add_rendered_root, add_results


def add(verbs: Verbs) -> None:
    """Adds the verb."""
    demo = verbs.add_parser("demo", help="train, evaluate and compare on rendered data: no network, no weights")
    add_rendered_root(demo)
    add_results(demo)
    demo.set_defaults(verb=_demo)


def _demo(options: argparse.Namespace) -> int:
    from benchmark.demo import run_demo
    from benchmark.report.commands import leaderboard, report

    failed = run_demo(options.data_root, options.results, options.command)
    leaderboard(options.results)
    print()
    report(options.results)
    results = options.results
    print(f"""
Where everything is
  report page     {results / "report.html"}   open this: what was asked and measured, how sure one can be
  leaderboard     {results / "leaderboard.csv"}
  ablation table  {results / "ablations" / "mini.md"}
  records         {results / "runs"}
Your own checkpoint: make ade20k voc CHECKPOINT=my_vit.pth DATA_ROOT=my_data""")
    return 1 if failed else 0
