"""Filters and sorting of the leaderboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmark.errors import UsageError
from benchmark.report.tables.filters import filtered, ordered
from benchmark.report.tables.leaderboard import Leaderboard, make_leaderboard


@pytest.fixture
def board(make_record: Callable) -> Leaderboard:
    def primary(name: str, value: float) -> dict:
        return {"name": name, "value": value, "higher_is_better": name != "rmse", "ci95": None}

    models = {
        "small": {"params": 22_000_000, "specialization": "norms+qkv[0-3]"},
        "middle": {"params": 86_000_000},
        "large": {"params": 304_000_000},
    }
    scores = {"small": (44.003, 0.40), "middle": (46.0, None), "large": (45.0, 0.35)}
    records = []
    for number, (name, fields) in enumerate(models.items()):
        model = {"name": name, "checkpoint_sha256": f"{number}" * 64, **fields}
        miou, rmse = scores[name]
        records.append(make_record(id=name, model=model, primary=primary("miou", miou)))
        if rmse is not None:
            records.append(make_record(id=f"{name}d", benchmark="nyu", model=model, primary=primary("rmse", rmse)))
    return make_leaderboard(records)


def _names(board: Leaderboard) -> list[str]:
    assert [row.model.name for row in board.rows] == board.table["name"].tolist()
    return board.table["name"].tolist()


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (["params_m<100"], ["middle", "small"]),
        (["params_m>=86", "ade20k_miou<46"], ["large"]),
        (["name=*l*e"], ["large", "middle"]),
        (["specialization=norms+qkv[0-3]"], ["small"]),
        (["specialization!=none"], ["small"]),
        (["nyu_rmse<1"], ["large", "small"]),
        (["nyu_rmse!=0.4"], ["large", "middle"]),
        (["ade20k_miou=44.00"], ["small"]),
        (["registers=0"], ["large", "middle", "small"]),
        (["name=nobody"], []),
    ],
)
def test_rows_that_fulfil_every_condition_are_kept(board: Leaderboard, conditions: list[str], names: list[str]) -> None:
    assert sorted(_names(filtered(board, conditions))) == sorted(names)


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("ade20k_miou", ["middle", "large", "small"]),
        ("nyu_rmse", ["large", "small", "middle"]),
        ("params_m", ["small", "middle", "large"]),
        ("name", ["large", "middle", "small"]),
    ],
)
def test_scores_are_sorted_best_first_and_missing_last(board: Leaderboard, column: str, names: list[str]) -> None:
    assert _names(ordered(board, column)) == names


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("params_m", "is not a filter"),
        ("parms_m<3", "did you mean 'params_m'"),
        ("params_m<big", "'big' is not a number"),
        ("name<b", "name is text"),
    ],
)
def test_what_is_no_filter_is_an_error(board: Leaderboard, condition: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        filtered(board, [condition])


def test_sorting_by_an_unknown_column_is_an_error(board: Leaderboard) -> None:
    with pytest.raises(UsageError, match="did you mean 'ade20k_miou'"):
        ordered(board, "ade20k_mio")
