"""Results as text, as HTML and as a table."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import Results, load_results
from benchmark.errors import RecordError
from benchmark.records.store import RecordStore, as_json
from benchmark.report.long_table import COLUMNS
from benchmark.report.statistics.intervals import Interval
from benchmark.report.steps import name_at, run_and_step


def _named(make_record: Callable, name: str, number: int = 0, **changes: object) -> object:
    model = {"name": name, "checkpoint_sha256": f"{number:064d}"}
    return make_record(id=f"r{number}", created=f"2026-01-01T00:00:{number:02d}+00:00", model=model, **changes)


def test_results_are_a_table_in_text_and_in_html(make_record: Callable) -> None:
    record = _named(make_record, "<b>vit</b> & co")
    results = Results((record,), {"r0": Interval(43.0, 45.5, "bca")})
    assert "mIoU 44.25 %" in repr(results)
    assert "43.00 to 45.50" in repr(results)
    html = results._repr_html_()
    assert "&lt;b&gt;vit&lt;/b&gt; &amp; co" in html
    assert "<b>" not in html
    assert results.scores == {"ade20k_miou": 44.25}
    assert repr(Results((), {})) == "no results"


def test_a_frame_has_a_row_for_each_score_and_a_dtype_for_each_column(make_record: Callable) -> None:
    failed = _named(make_record, "broken", 2, status="error", metrics=None, primary=None, cost=None, error="x")
    records = (_named(make_record, "vit@3k"), _named(make_record, "other", 1), failed)
    frame = Results(records, {"r0": Interval(43.0, 45.5, "bca")}).to_frame()
    assert list(frame["run"]) == ["vit", "other"]
    assert frame["step"].tolist()[0] == 3000
    assert frame["step"].isna().tolist() == [False, True]
    assert frame.loc[0, ["value_low", "value_high"]].tolist() == [43.0, 45.5]
    assert frame["value_low"].isna().tolist() == [False, True]
    empty = Results((), {}).to_frame()
    assert dict(empty.dtypes) == dict(frame.dtypes)
    assert list(frame) == list(COLUMNS)


def test_a_name_at_a_step_is_read_back() -> None:
    assert run_and_step(name_at("my@vit", 120)) == ("my@vit", 120)
    assert run_and_step("a@b") == ("a@b", None)


def test_a_folder_gives_the_newest_success_of_each_cell(make_record: Callable, tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    old = _named(make_record, "vit", 1, metrics={"miou": 1.0}, primary={"value": 1.0})
    new = old.model_copy(update={"id": "r5", "created": "2026-01-02T00:00:00+00:00"})
    failed = new.model_copy(
        update={"id": "r6", "created": "2026-01-03T00:00:00+00:00", "status": "error", "primary": None}
    )
    for record in (old, new, failed, _named(make_record, "limited", 3, limit=4)):
        store.add(record, None)
    table = load_results(tmp_path)
    assert sorted(table["id"]) == ["r3", "r5"]
    limits = table.set_index("id")["limit"]
    assert limits["r3"] == 4
    assert limits.isna().to_dict() == {"r3": False, "r5": True}


def test_a_record_that_cannot_be_trusted_is_left_out_with_a_warning(make_record: Callable, tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    store.ensure_writable()
    store.add(_named(make_record, "vit"), None)
    edited = _named(make_record, "edited", 1, primary={"value": 99.0})
    (tmp_path / "runs" / "r1.json").write_bytes(as_json(edited))
    with pytest.warns(UserWarning, match=r"left out: r1\.json: edited"):
        table = load_results(str(tmp_path))
    assert list(table["name"]) == ["vit"]


def test_no_results_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not a results folder"):
        load_results(tmp_path / "none")
    shutil.rmtree(tmp_path)
