"""Where DenseBench keeps what it can make again: hashes of files, features.

The folder is ``$DENSEBENCH_CACHE``, else ``densebench`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.errors import RecordError
from benchmark.utf8 import is_utf8

VARIABLE = "DENSEBENCH_CACHE"
"""Environment variable that names another folder."""


def cache_folder() -> Path | None:
    """Returns the folder, which need not exist; None for a user without a home."""
    if folder := os.environ.get(VARIABLE):
        return Path(folder).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # The XDG specification has relative paths ignored.
        return (Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()) / "densebench"
    except RuntimeError:
        return None


def features_folder() -> Path:
    """Returns the root of the feature store.

    Raises:
        RecordError: There is no place for it, or one whose name is not UTF-8.
    """
    folder = cache_folder()
    if folder is None:
        raise RecordError(f"there is no home folder to keep features in; set {VARIABLE} to a folder with room for them")
    if not is_utf8(str(folder)):  # safetensors opens no file there
        raise RecordError(f"{folder} is not UTF-8, and features cannot be read from there; set {VARIABLE} to another")
    return folder / "features"
