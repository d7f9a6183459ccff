"""A lock between processes, which the kernel drops when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from benchmark.cache import VARIABLE
from benchmark.errors import RecordError

_REMEDY = f"features need a folder that can be written and locked: set {VARIABLE}, or --output of extract"


class FileLock:
    """An exclusive lock; `take` does not wait.

    Its file stays when the lock is given back: a second process may have opened it already. Whoever wants it away
    removes it while holding the lock, so `take` looks whether it holds the file that has the name now.

    Args:
        path: The file that is locked; it is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Takes the lock; returns whether it could be had.

        Raises:
            RecordError: The file system has no locks, or no file can be made there.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise RecordError(f"{self.path} cannot be made: {error.strerror}; {_REMEDY}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            named = os.stat(self.path)  # noqa: PTH116  (compared with a descriptor's)
        except (BlockingIOError, FileNotFoundError):
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            raise RecordError(f"{self.path} cannot be locked: {error.strerror}; {_REMEDY}") from error
        if not os.path.samestat(named, os.fstat(descriptor)):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def give_back(self, *, remove: bool = False) -> None:
        """Gives the lock back, if it was taken; ``remove`` deletes its file too."""
        if self._descriptor is None:
            return
        if remove:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # forked loader workers may hold copies of the descriptor
        os.close(self._descriptor)
        self._descriptor = None


def lock_of(entry: Path) -> FileLock:
    """Returns the lock of a folder of the store; it lies beside it, so that it outlives it."""
    return FileLock(entry.with_name(f"{entry.name}.lock"))
