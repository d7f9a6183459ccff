"""What the store holds, and how it is freed. Imports no torch."""

from __future__ import annotations

import contextlib
import math
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import RecordError
from benchmark.features.lock import lock_of
from benchmark.features.manifest import NAME, FeatureManifest, read_manifest
from benchmark.progress import size

_KEY = re.compile(r"[0-9a-f]{32}")
_DAY_S = 86_400


@dataclass(frozen=True)
class StoredSet:
    """Features of one address."""

    folder: Path
    bytes: int
    """Size on disk."""

    last_used: float
    """Seconds since 1970."""

    manifest: FeatureManifest | None
    """None where it is damaged or of another version."""

    @property
    def complete(self) -> bool:
        """Whether they can be used; others are gone on with when they are asked for."""
        return self.manifest is not None and self.manifest.complete

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        known = self.manifest
        return {
            "folder": str(self.folder),
            "complete": self.complete,
            "bytes": self.bytes,
            "last_used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.last_used)),
            "images": known.plan.count if known else None,
            "columns": sorted(known.plan.columns) if known else [],
            "note": dict(known.note) if known else {},
            "address": dict(known.address) if known else {},
        }


def entries(root: Path) -> list[StoredSet]:
    """Lists what the store under ``root`` holds, the last used first."""
    found = []
    for folder in _folders(root):
        with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
            found.append(_entry(folder))
    return sorted(found, key=lambda entry: -entry.last_used)


def stored(root: Path) -> dict[str, Any]:
    """Returns what the store under ``root`` holds as plain values, for `describe` and for JSON."""
    return {"folder": str(root), "sets": [entry.as_json() for entry in entries(root)]}


def describe(found: dict[str, Any]) -> str:
    """Renders what `stored` returns as text: a line with the total, then a line for each set of features."""
    if not found["sets"]:
        return f"  none under {found['folder']}"
    total = size(sum(entry["bytes"] for entry in found["sets"]))
    return "\n".join([f"  {found['folder']}: {total}", *(f"  {_line(entry)}" for entry in found["sets"])])


def prune(root: Path, *, older_than_days: float | None = None, incomplete_only: bool = False) -> str:
    """Deletes features, those being made left out, and says what was freed.

    Args:
        root: Root of the store.
        older_than_days: Keep what was used since; None keeps nothing.
        incomplete_only: Keep what is complete.

    Raises:
        RecordError: Something cannot be deleted.
    """
    before = math.inf if older_than_days is None else time.time() - older_than_days * _DAY_S
    freed, gone, in_use = 0, 0, 0
    for entry in entries(root):
        if entry.last_used > before or (incomplete_only and entry.complete):
            continue
        lock = lock_of(entry.folder)
        if not lock.take():
            in_use += 1
            continue
        try:
            _delete(entry.folder)
        finally:
            lock.give_back(remove=True)
        freed, gone = freed + entry.bytes, gone + 1
    for parent in _children(root):
        with contextlib.suppress(OSError):  # not empty, or filled this moment
            parent.rmdir()
    waiting = f"; {in_use} being made now, left alone" if in_use else ""
    return f"freed {size(freed)} of {gone} sets of features{waiting}"


def _entry(folder: Path) -> StoredSet:
    files = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a temporary file of a process that is writing
            files[path.name] = path.stat()
    used = files[NAME] if NAME in files else folder.stat()
    return StoredSet(folder, sum(stat.st_size for stat in files.values()), used.st_mtime, read_manifest(folder))


def _line(entry: dict[str, Any]) -> str:
    if entry["images"] is None:
        what = f"{entry['folder']}: damaged, or of another version"
    else:
        note, state = entry["note"], "" if entry["complete"] else ", incomplete"
        what = f"{note.get('model', '?')} on {note.get('data', '?')}: {', '.join(entry['columns'])}"
        what += f"; {entry['images']:,} images in {entry['address']['dtype']}{state}"
    return f"{what}, {size(entry['bytes'])}, last used {entry['last_used'][:10]}"


def _folders(root: Path) -> Iterator[Path]:
    return (folder for parent in _children(root) for folder in _children(parent))


def _children(folder: Path) -> list[Path]:
    """Lists the folders the store made; whatever else lies there is none of its business."""
    try:
        found = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # nothing stored yet, or deleted since it was listed
        return []
    return sorted(path for path in found if _KEY.fullmatch(path.name) and path.is_dir())


def _delete(folder: Path) -> None:
    """Deletes the manifest first: what a crash leaves behind is an entry without one, not a complete one."""
    try:
        (folder / NAME).unlink(missing_ok=True)
        shutil.rmtree(folder)
    except OSError as error:
        raise RecordError(f"{error.filename or folder} cannot be deleted: {error.strerror}") from error
