"""One holder at a time, whatever becomes of files and child processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import RecordError
from benchmark.probing.feature_store.lock import FileLock


def test_a_lock_whose_file_was_removed_is_not_held(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    first.give_back(remove=True)
    assert second.take()
    second.give_back()
    second.give_back()


def test_a_lock_that_is_given_back_is_free_although_a_child_has_the_descriptor(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[first._descriptor])
    first.give_back()
    assert second.take()
    second.give_back()
    child.kill()
    child.wait()


def test_a_place_without_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordError, match=r"file/lock cannot be made: .*set DENSEBENCH_CACHE"):
        FileLock(tmp_path / "file" / "lock").take()
