"""Filters and sorting of the leaderboard: ``--filter 'params_m<100' --sort ade20k_miou``."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.errors import UsageError, did_you_mean
from benchmark.report.leaderboard import AVERAGES, SCORES, Leaderboard, is_lower_better

_FORM = re.compile(r"(?P<column>\w+)\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?P<value>.*)")
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_NUMBERS = {"patch_size", "registers", "params_m", "overhead_pct", *SCORES, *AVERAGES}


def filtered(board: Leaderboard, conditions: Sequence[str]) -> Leaderboard:
    """Keeps the rows that fulfil every condition.

    A condition is ``column=value``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``. Text is compared as a pattern with ``*``
    and ``?``; columns of numbers, as numbers. A missing number fulfils ``!=`` only.

    Raises:
        UsageError: No such form, column or number.
    """
    kept = np.ones(len(board.rows), dtype=bool)
    for condition in conditions:
        kept &= _fulfils(board.table, condition)
    return board.keep(np.flatnonzero(kept).tolist())


def ordered(board: Leaderboard, column: str) -> Leaderboard:
    """Sorts rows by a column: scores best first, other numbers and text ascending, missing last.

    Raises:
        UsageError: No such column.
    """
    _refuse_unknown(column)
    keys = board.table[column]
    if column in _NUMBERS:
        keys = pd.to_numeric(keys)
    better_is_more = column in {*SCORES, *AVERAGES} and not is_lower_better(column)
    positions = keys.sort_values(ascending=not better_is_more, na_position="last", kind="stable").index
    return board.keep(positions.tolist())


def _fulfils(table: pd.DataFrame, condition: str) -> np.ndarray:
    form = _FORM.fullmatch(condition.strip())
    if form is None:
        raise UsageError(f"{condition!r} is no filter; write for example protocol=dinov2 or 'params_m<100'")
    column, sign, value = form["column"], form["sign"], form["value"].strip()
    _refuse_unknown(column)
    if column in _NUMBERS:
        numbers = pd.to_numeric(table[column]).to_numpy(np.float64)
        wanted = _number(value, condition)
        with np.errstate(invalid="ignore"):
            if sign in _ORDERS:
                return _ORDERS[sign](numbers, wanted)
            return (numbers == wanted) == (sign == "=")
    if sign in _ORDERS:
        raise UsageError(f"{condition!r}: {column} is text; compare it with = or !=")
    pattern = re.compile(fnmatch.translate(value.replace("[", "[[]")))  # brackets stand in specialisations
    return np.array([bool(pattern.fullmatch(str(text))) == (sign == "=") for text in table[column]], dtype=bool)


def _number(text: str, condition: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"{condition!r}: {text!r} is no number") from error


def _refuse_unknown(column: str) -> None:
    known = [
        *("name", "arch", "patch_size", "registers", "attention_bias", "specialization", "params_m", "overhead_pct"),
        *SCORES, *AVERAGES, "protocol", "checkpoint_sha256",
    ]  # fmt: skip
    if column not in known:
        raise UsageError(
            f"no column {column!r} to filter or sort by{did_you_mean(column, known)}; columns: {', '.join(known)}"
        )
