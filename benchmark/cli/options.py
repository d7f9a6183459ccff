"""Dataclasses of options on the command line: their arguments, their values, and the words that give them again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from benchmark.options import CommandLineFlag

T = TypeVar("T")


def add_options(parser: argparse.ArgumentParser, options: type[Any]) -> None:
    """Adds an argument for each field of ``options`` that has a flag."""
    for each, flag in _flagged(options):
        given: dict[str, Any] = {"dest": each.name, "help": flag.help}
        if isinstance(each.default, bool):
            given |= {"action": "store_false" if each.default else "store_true"}
        else:
            given |= {"metavar": flag.metavar, "choices": flag.choices, "type": flag.parse or str}
            given |= {"required": True} if each.default is MISSING else {"default": each.default}
        parser.add_argument(_name(each, flag), **given)


def read_options(options: type[T], given: argparse.Namespace, **others: Any) -> T:
    """Returns ``options`` with the values that were given; ``others`` are those of fields without a flag."""
    return options(**{each.name: getattr(given, each.name) for each, _ in _flagged(options)}, **others)


def words_of(options: Any) -> list[str]:
    """Writes down the options that differ from their defaults, as words of a command line."""
    words = []
    for each, flag in _flagged(type(options)):
        value = getattr(options, each.name)
        if value == each.default:
            continue
        name = _name(each, flag)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words.append(name if isinstance(value, bool) else f"{name}={text}")
    return words


def _flagged(options: type[Any]) -> Iterator[tuple[Field[Any], CommandLineFlag]]:
    return ((each, each.metadata["flag"]) for each in fields(options) if "flag" in each.metadata)


def _name(each: Field[Any], flag: CommandLineFlag) -> str:
    return flag.name or f"--{each.name.replace('_', '-')}"
