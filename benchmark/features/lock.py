"""A lock between processes, which the kernel drops when its process ends, however it ends."""

from __future__ import annotations

from pathlib import Path

import filelock

from benchmark.cache import VARIABLE
from benchmark.errors import RecordError

_REMEDY = f"features need a folder that can be written and locked: set {VARIABLE}, or --output of extract"


class FileLock:
    """An exclusive lock; `take` does not wait.

    Its file stays when the lock is given back: a second process may have opened it already. Whoever wants it away
    removes it while holding the lock; a lock of a file that has lost its name is not had by anybody.

    Args:
        path: The file that is locked; it is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A file whose mere existence locks, as filelock falls back to, outlives a process that is killed.
        self._lock = filelock.FileLock(path, thread_local=False, fallback_to_soft=False)

    def take(self) -> bool:
        """Takes the lock; returns whether it could be had.

        Raises:
            RecordError: The file system has no locks, or no file can be made there.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        except OSError as error:
            raise RecordError(f"{self.path} cannot be made: {error.strerror}; {_REMEDY}") from error
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            return False
        except OSError as error:
            raise RecordError(f"{self.path} cannot be locked: {error.strerror}; {_REMEDY}") from error
        return True

    def give_back(self, *, remove: bool = False) -> None:
        """Gives the lock back, if it was taken; ``remove`` deletes its file too."""
        if remove and self._lock.is_locked:
            self.path.unlink(missing_ok=True)
        self._lock.release()


def lock_of(entry: Path) -> FileLock:
    """Returns the lock of a folder of the store; it lies beside it, so that it outlives it."""
    return FileLock(entry.with_name(f"{entry.name}.lock"))
