"""What several verbs have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

CHECKPOINT = "file or folder, hf:DIR, timm:NAME, my_file.py:build, or 'pixels' for the floor"


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


def natural(text: str) -> int:
    """Reads an integer from 0 on that a seed may be."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    if number >= 2**63:
        raise argparse.ArgumentTypeError(f"{number} is too large")
    return number


def positive(text: str) -> int:
    """Reads an integer from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def seconds(text: str) -> float:
    """Reads a number from 0 on."""
    number = float(text)
    if not number >= 0:  # nan too
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return number


def integers(text: str) -> tuple[int, ...]:
    """Reads integers with commas between them."""
    return tuple(int(word) for word in text.split(","))
