"""Filters and sorting of the leaderboard: ``--filter 'params_m<100' --sort ade20k_miou``."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmark.errors import UsageError, did_you_mean
from benchmark.report.rows import Row
from benchmark.report.tables.leaderboard import Leaderboard, LeaderboardColumn

_FORM = re.compile(r"(?P<column>\w+)\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?P<value>.*)")
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def filtered(board: Leaderboard, conditions: Sequence[str]) -> Leaderboard:
    """Keeps the rows that fulfil every condition.

    A condition is ``column=value``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``. Text is compared as a pattern with ``*``
    and ``?``; columns of numbers, as numbers, at the precision that is printed. A missing number fulfils ``!=`` only.

    Raises:
        UsageError: A condition of another form, an unknown column, or a value that is not a number.
    """
    tests = [_test_of(board, condition) for condition in conditions]
    return replace(board, rows=[row for row in board.rows if all(test(row) for test in tests)])


def ordered(board: Leaderboard, name: str) -> Leaderboard:
    """Sorts rows by a column: scores best first, other numbers and text ascending, missing last.

    Raises:
        UsageError: No such column.
    """
    column = _column(board, name)
    sign = -1 if column.metric is not None and column.metric.higher_is_better else 1

    def key(row: Row) -> tuple[bool, str | float]:
        if column.decimals is None:
            return False, column.text(row)
        number = column.number(row)
        return number is None, 0.0 if number is None else sign * number

    return replace(board, rows=sorted(board.rows, key=key))


def _test_of(board: Leaderboard, condition: str) -> Callable[[Row], bool]:
    """Reads a condition; returns whether a row fulfils it."""
    form = _FORM.fullmatch(condition.strip())
    if form is None:
        raise UsageError(f"{condition!r} is not a filter; write for example protocol=dinov2 or 'params_m<100'")
    sign, value = form["sign"], form["value"].strip()
    column = _column(board, form["column"])
    if column.decimals is None:
        return _text_test(column, sign, value, condition)
    wanted = _number(value, condition)
    if sign in _ORDERS:
        return lambda row: (number := column.number(row)) is not None and _ORDERS[sign](number, wanted)
    return lambda row: (column.number(row) == wanted) == (sign == "=")


def _text_test(column: LeaderboardColumn, sign: str, value: str, condition: str) -> Callable[[Row], bool]:
    if sign in _ORDERS:
        raise UsageError(f"{condition!r}: {column.name} is text; compare it with = or !=")
    pattern = re.compile(fnmatch.translate(value.replace("[", "[[]")))  # brackets stand in specialisations
    return lambda row: bool(pattern.fullmatch(column.text(row))) == (sign == "=")


def _number(text: str, condition: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"{condition!r}: {text!r} is not a number") from error


def _column(board: Leaderboard, name: str) -> LeaderboardColumn:
    known = {column.name: column for column in board.columns if column.selects}
    if name not in known:
        raise UsageError(
            f"no column {name!r} to filter or sort by{did_you_mean(name, list(known))}; columns: {', '.join(known)}"
        )
    return known[name]
