"""Which trained heads are kept for other benchmarks, and how their room is freed. Imports no torch."""

from __future__ import annotations

import math
import time
from pathlib import Path

from benchmark.cache import cache_folder
from benchmark.errors import RecordError
from benchmark.progress import size

_DAY_S = 86_400


def heads_folder() -> Path | None:
    """Returns where they lie; None for a user without a home."""
    folder = cache_folder()
    return None if folder is None else folder / "heads"


def kept_heads(folder: Path | None) -> list[tuple[Path, int, float]]:
    """Lists the files with their size in bytes and the time they were made, seconds since 1970."""
    if folder is None or not folder.is_dir():
        return []
    stats = [(path, path.stat()) for path in sorted(folder.glob("*.pt"))]
    return [(path, stat.st_size, stat.st_mtime) for path, stat in stats]


def describe(folder: Path | None) -> str:
    """Writes how many there are and their room, on one line."""
    found = kept_heads(folder)
    if not found:
        return f"  none under {folder}"
    return f"  {folder}: {len(found)} trainings, {size(sum(room for _, room, _ in found))}"


def prune(folder: Path | None, *, older_than_days: float | None = None) -> str:
    """Deletes them and says what was freed.

    Args:
        folder: Where they lie.
        older_than_days: Keep what was made since; None keeps nothing.

    Raises:
        RecordError: One cannot be deleted.
    """
    before = math.inf if older_than_days is None else time.time() - older_than_days * _DAY_S
    gone = [(path, room) for path, room, made in kept_heads(folder) if made < before]
    for path, _ in gone:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RecordError(f"{path} cannot be deleted: {error.strerror}") from error
    return f"freed {size(sum(room for _, room in gone))} of {len(gone)} trained heads"
