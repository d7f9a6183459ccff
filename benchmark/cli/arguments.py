"""What several verbs have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

CHECKPOINT = "file or folder, hf:DIR, timm:NAME, my_file.py:build, or 'pixels' for the baseline"


def add_data_root(parser: argparse.ArgumentParser) -> None:
    """Adds ``--data-root``."""
    parser.add_argument("--data-root", type=Path, default=Path("data"), metavar="DIR", help="datasets (default: data)")


def add_rendered_root(parser: argparse.ArgumentParser) -> None:
    """Adds ``--data-root`` of verbs that render their data."""
    parser.add_argument(
        "--data-root", type=Path, default=Path("data/mini"), metavar="DIR", help="rendered data (default: data/mini)"
    )


def add_results(parser: argparse.ArgumentParser) -> None:
    """Adds ``--results``."""
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds ``--device``."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
