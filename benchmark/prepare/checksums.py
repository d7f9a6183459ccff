"""Comparing archives with their official checksums, where a public source prints one."""

from __future__ import annotations

from pathlib import Path

from benchmark.data.dataset import Dataset
from benchmark.data.manifest import hash_file
from benchmark.errors import DataError
from benchmark.progress import Progress, size

_QUIET_BELOW = 256 << 20  # bytes that are read before anybody wonders what is going on


def check_archive(dataset: Dataset, path: Path, *, ignore: bool = False) -> str:
    """Compares an archive with its known checksum and returns a line that says how it went.

    Args:
        dataset: The dataset; it knows the checksums of its archives by their names.
        path: The archive; known ones are recognised by their file name.
        ignore: Accept another checksum than the known one.

    Raises:
        DataError: Another checksum than the known one.
        OSError: The file cannot be read.
    """
    known = dataset.checksums.get(path.name)
    algorithm = known.algorithm if known else "sha256"
    progress = Progress(
        path.stat().st_size, f"checksum of {path.name}", count=size, quiet=path.stat().st_size < _QUIET_BELOW
    )
    digest = hash_file(path, algorithm, lambda count: progress.advance(by=count))
    progress.close()
    if known is None:
        return f"{path.name}: sha256 {digest} (no official checksum is known)"
    if digest == known.digest:
        return f"{path.name}: {algorithm} {digest}, as {known.source} says"
    if ignore:
        return f"{path.name}: {algorithm} {digest}, not the official {known.digest}; used all the same"
    raise DataError(
        f"{path}: {algorithm} is {digest}, expected {known.digest} ({known.source}): damaged or another version; "
        "delete it and download it again, or pass --skip-checksum to use it all the same"
    )
