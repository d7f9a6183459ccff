"""Progress lines."""

from __future__ import annotations

import pytest

from benchmark.probing import progress
from benchmark.probing.progress import Progress, duration


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
    assert capsys.readouterr().err == "train: goes on at 6/10\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.06, "4.1 s"), (200, "3 min 20 s"), (3720, "1 h 02 min"), (59.99, "60.0 s")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
