"""One holder at a time, whatever becomes of files and child processes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.errors import RecordError
from benchmark.features.lock import FileLock, lock_of

_HOLD = """
import sys; from pathlib import Path
from benchmark.features.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
for line in sys.stdin:
    if line == "remove\\n":
        lock.give_back(remove=True)
    elif line == "take\\n":
        print(lock.take(), flush=True)
    else:
        lock.give_back()
        print("given back", flush=True)
"""


class _Other:
    """Another process with a lock on the same file."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.took = self._answer() == "True"

    def ask(self, word: str) -> str:
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        return self.process.stdout.readline().strip()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[_Other]:
    holder = _Other(tmp_path / "lock")
    yield holder
    holder.process.kill()
    holder.process.communicate()


def test_of_two_processes_one_has_the_lock_until_it_gives_it_back(tmp_path: Path, other: _Other) -> None:
    lock = FileLock(tmp_path / "lock")
    assert other.took
    assert not lock.take()
    assert other.ask("give back") == "given back"
    assert lock.take()
    assert other.ask("take") == "False"
    lock.give_back(remove=True)
    assert other.ask("take") == "True"
    assert not lock.take()


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path, other: _Other) -> None:
    lock = FileLock(tmp_path / "lock")
    assert not lock.take()
    other.process.kill()
    other.process.wait()
    assert (tmp_path / "lock").exists()
    assert lock.take()
    lock.give_back()


def test_a_lock_whose_file_was_removed_is_not_held(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    first.give_back(remove=True)
    assert second.take()
    second.give_back()
    second.give_back()


def test_removing_is_for_the_holder_only(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take()
    second.give_back(remove=True)
    assert (tmp_path / "lock").exists()
    assert not second.take()
    first.give_back()


def test_a_lock_that_is_given_back_is_free_although_a_forked_child_lives(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take()
    descriptors = [int(path.name) for path in Path("/proc/self/fd").iterdir() if _is_open_at(path, tmp_path / "lock")]
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=descriptors)
    assert descriptors
    first.give_back()
    assert second.take()
    second.give_back()
    child.kill()
    child.wait()


def _is_open_at(descriptor: Path, path: Path) -> bool:
    return descriptor.exists() and descriptor.resolve() == path


def test_a_place_without_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordError, match=r"file/lock cannot be made: .*set DENSEBENCH_CACHE"):
        FileLock(tmp_path / "file" / "lock").take()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(RecordError, match=rf"lock cannot be locked: {os.strerror(code)}; .*set DENSEBENCH_CACHE"):
        FileLock(tmp_path / "lock").take()


def test_a_lock_lies_beside_its_entry(tmp_path: Path) -> None:
    assert lock_of(tmp_path / "entry").path == tmp_path / "entry.lock"
