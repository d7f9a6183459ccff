"""Options, each written once: a field of a dataclass that says how the command line has it.

`benchmark.cli.options` makes arguments of such a class, reads them back into it, and writes it down as words again, for
processes of their own. Imports nothing heavy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class CommandLineFlag:
    """How the command line has a field."""

    name: str | None
    """With its dashes; None takes the field's name."""

    help: str
    metavar: str | None = None
    parse: Callable[[str], Any] | None = None
    """From a word to the value; None leaves it a text."""

    choices: Sequence[str] | None = None


def option(default: T, text: str, **flag: Any) -> T:
    """Makes a field with a default.

    Args:
        default: Its value; of a field that is true or false, the flag takes none and says the other.
        text: What it is, for the help.
        **flag: Fields of `CommandLineFlag`.
    """
    return field(default=default, metadata={"flag": CommandLineFlag(flag.pop("name", None), text, **flag)})


def required(text: str, **flag: Any) -> Any:
    """Makes a field that must be given; see `option`."""
    return field(default=MISSING, metadata={"flag": CommandLineFlag(flag.pop("name", None), text, **flag)})


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
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return number


def integers(text: str) -> tuple[int, ...]:
    """Reads integers with commas between them."""
    return tuple(int(word) for word in text.split(","))


def words(text: str) -> tuple[str, ...]:
    """Reads words with commas between them."""
    return tuple(text.split(","))
