"""The leaderboard: one row per checkpoint and protocol family, never mixed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from rich.console import Console

import benchmark
from benchmark.report.tables.leaderboard import columns, make_leaderboard
from benchmark.report.tables.leaderboard_grid import leaderboard_grid
from benchmark.report.tables.terminal import print_grid
from benchmark.report.tables.write import write_leaderboard


def _primary(value: float) -> dict:
    return {"name": "miou", "value": value, "higher_is_better": True, "ci95": None}


def test_benchmarks_of_a_checkpoint_share_a_row(make_record: Callable) -> None:
    records = [
        make_record(id="1", primary=_primary(44.254)),
        make_record(id="2", benchmark="voc2012", primary=_primary(81.1)),
        make_record(id="3", benchmark="cityscapes", primary=_primary(66.0)),
    ]
    [row] = make_leaderboard(records).table.to_dict("records")
    assert (row["ade20k_miou"], row["voc2012_miou"], row["cityscapes_miou"]) == ("44.25", "81.10", "66.00")
    assert row["avg_seg_miou"] == "63.78"
    assert (row["params_m"], row["protocol"], row["seeds"]) == ("22.06", "dinov2", "1")
    assert pd.isna(row["nyu_rmse"])


def test_the_overhead_of_a_split_has_a_column(make_record: Callable) -> None:
    special = {"specialization": "norms+qkv[0-7]", "overhead_pct": 8.3247, "checkpoint_sha256": "b" * 64}
    records = [make_record(id="1"), make_record(id="2", model=special)]
    table = make_leaderboard(records).table.set_index("specialization")
    assert table.loc["norms+qkv[0-7]", "overhead_pct"] == "8.32"
    assert pd.isna(table.loc["none", "overhead_pct"])  # of a record written before there was the field


def test_columns_are_those_of_the_contract_whatever_is_there(make_record: Callable, tmp_path: Path) -> None:
    names = [column.name for column in columns([])]
    write_leaderboard([], tmp_path)
    empty = (tmp_path / "leaderboard.csv").read_text()
    write_leaderboard([make_record()], tmp_path)
    assert (tmp_path / "leaderboard.csv").read_text().splitlines()[0] == empty.strip() == ",".join(names)
    assert names[:10] == [
        *("name", "arch", "patch_size", "registers", "attention_bias", "specialization", "params_m", "overhead_pct"),
        *("ade20k_miou", "ade20k_miou_ci95"),
    ]
    assert names[-5:] == ["avg_seg_miou", "avg_depth_rmse", "protocol", "seeds", "checkpoint_sha256"]


def test_the_file_does_not_depend_on_the_order_of_records(make_record: Callable, tmp_path: Path) -> None:
    records = [
        make_record(id=str(n), model={"name": f"m{n % 3}", "checkpoint_sha256": str(n % 3) * 64}, seed=n // 3)
        for n in range(6)
    ]
    write_leaderboard(records, tmp_path / "a")
    write_leaderboard(records[::-1], tmp_path / "b")
    assert (tmp_path / "a/leaderboard.csv").read_bytes() == (tmp_path / "b/leaderboard.csv").read_bytes()


def test_seeds_are_averaged_and_counted(make_record: Callable) -> None:
    records = [make_record(id=str(seed), seed=seed, primary=_primary(value)) for seed, value in enumerate((44.0, 45.0))]
    [row] = make_leaderboard(records).table.to_dict("records")
    assert (row["ade20k_miou"], row["seeds"]) == ("44.50", "2")


def test_a_rerun_replaces_the_earlier_run(make_record: Callable) -> None:
    records = [make_record(id="1", primary=_primary(1.0)), make_record(id="2", primary=_primary(2.0))]
    [row] = make_leaderboard(records).table.to_dict("records")
    assert (row["ade20k_miou"], row["seeds"]) == ("2.00", "1")


def test_limited_and_failed_runs_stay_out_and_are_counted(make_record: Callable) -> None:
    records = [make_record(id="1", limit=4), make_record(id="2", status="error", primary=None, error="no")]
    board = make_leaderboard(records)
    assert board.table.empty
    assert board.left_out == ["1 run with --limit", "1 run that failed"]


def test_an_overridden_protocol_is_a_row_of_its_own(make_record: Callable) -> None:
    short = {"overrides": ["train.iterations=20"], "fingerprint": "p2"}
    table = make_leaderboard([make_record(id="1"), make_record(id="2", protocol=short)]).table
    assert table["protocol"].tolist() == ["dinov2", "dinov2 (train.iterations=20)"]


def test_other_fingerprints_of_a_column_are_left_out_and_named(make_record: Callable) -> None:
    other = {"name": "other", "checkpoint_sha256": "b" * 64}
    for change in ({"protocol": {"fingerprint": "old"}}, {"data": {"fingerprint": "subset"}}):
        board = make_leaderboard([make_record(id="1", model=other, **change), make_record(id="2")])
        assert board.table["name"].tolist() == ["vits14"]
        assert board.left_out == [
            "1 run of ade20k, dinov2: another protocol version or data than the 1 run shown (see runs.csv)"
        ]


def test_a_stray_run_on_other_data_does_not_empty_the_column(make_record: Callable) -> None:
    rows = [make_record(id=str(n), model={"name": f"m{n}", "checkpoint_sha256": str(n) * 64}) for n in range(3)]
    stray = make_record(id="9", created="2027-01-01T00:00:00+00:00", data={"fingerprint": "mini"})
    board = make_leaderboard([*rows, stray])
    assert board.table["name"].tolist() == ["m0", "m1", "m2"]
    assert len(board.left_out) == 1


def test_a_benchmark_of_a_later_version_is_left_out_and_named(make_record: Callable) -> None:
    board = make_leaderboard([make_record(id="1"), make_record(id="2", benchmark="normals")])
    assert len(board.table) == 1
    assert board.left_out == ["1 run of normals, which this DenseBench does not know"]


def test_names_are_shown_as_they_are(make_record: Callable) -> None:
    text = io.StringIO()
    board = make_leaderboard([make_record(model={"name": "my [cls] vit[/b]"})])
    print_grid(leaderboard_grid(board), Console(file=text, width=100))
    assert "my [cls] vit[/b]" in text.getvalue()


def test_checkpoints_of_one_name_keep_their_rows(make_record: Callable) -> None:
    records = [make_record(id="1"), make_record(id="2", model={"checkpoint_sha256": "b" * 64})]
    assert len(make_leaderboard(records).table) == 2


def test_the_terminal_shows_what_there_is(make_record: Callable) -> None:
    text = io.StringIO()
    print_grid(leaderboard_grid(make_leaderboard([make_record()])), Console(file=text, width=100))
    assert "44.25" in text.getvalue()
    assert "mIoU % ↑" in text.getvalue()
    assert "cityscapes" not in text.getvalue()


def test_reports_and_records_import_no_torch() -> None:
    root = Path(benchmark.__file__).parent
    files = [path.relative_to(root.parent) for path in (root / "report").rglob("*.py")]
    modules = [".".join(path.with_suffix("").parts) for path in files if path.stem != "__init__"]
    code = f"import sys, benchmark.records.store, {', '.join(modules)}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
