"""Progress lines."""

from __future__ import annotations

import pytest

from benchmark import progress
from benchmark.progress import Progress, duration, size


def test_a_log_gets_plain_lines_with_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    shown = Progress(4, "train")
    for _ in range(4):
        shown.advance(lambda: "loss 1.0")
    shown.close()
    lines = capsys.readouterr().err.splitlines()
    assert "\r" not in "".join(lines)
    assert lines[0].startswith("train: ")
    assert "left, loss 1.0" in lines[0]
    assert lines[-1].startswith("train: 4/4 in ")


def test_a_resumed_run_says_where_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(10, "train", done=6)
    assert capsys.readouterr().err == "train: resumes at 6/10\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.06, "4.1 s"), (200, "3 min 20 s"), (3720, "1 h 02 min"), (59.99, "60.0 s")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_bytes_are_counted_in_units_a_person_reads(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress(1_500_000, "download", done=500_000, count=size)
    shown.advance(by=1_000_000)
    shown.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "download: resumes at 500.0 kB/1.5 MB"
    assert lines[1].startswith("download: 1.5 MB/1.5 MB in ")


def test_an_unknown_total_is_left_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 40))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    Progress(None, "download", count=size).advance(by=2000)
    assert capsys.readouterr().err == "download: 2.0 kB\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (147_897_477_120, "147.9 GB"),
        (10**15, "1000.0 TB"),
    ],
)
def test_sizes_read_well(count: int, text: str) -> None:
    assert size(count) == text
