"""Files that appear whole or not at all.

A temporary file in the target's folder is written, flushed to the disk and renamed. A reader sees the old file or the
new one; a crash leaves at most a temporary file, whose name begins with a dot and which no reader looks at.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def make_writable(folder: Path) -> None:
    """Makes a folder and tries a file in it, so that hours of work do not end at a closed door.

    Raises:
        OSError: It cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try_to_write(folder)


def try_to_write(folder: Path) -> None:
    """Tries a file in a folder, or in the nearest one above it that exists, and leaves nothing behind.

    Raises:
        OSError: It cannot be written to.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    with tempfile.TemporaryFile(dir=there):
        pass


@contextmanager
def atomic_write(path: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Yields a binary file that becomes ``path`` when the block ends without an exception.

    Args:
        path: Target; its folder must exist.
        replace: Whether an existing target is replaced.

    Raises:
        FileExistsError: ``replace`` is False and the target exists.
    """
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)  # NamedTemporaryFile makes private files
            if replace:
                temporary.replace(path)
            else:
                path.hardlink_to(temporary)  # unlike a rename, fails if the target exists
        finally:
            temporary.unlink(missing_ok=True)
