"""Content hashes of a dataset's files, and the fingerprint a record carries.

A fingerprint of names and sizes misses an edit that keeps the size, so it is one of contents. To read 1 GB for it costs
seconds; to read it again for every run would be a waste. Each hash is therefore kept with the size and the modification
time (ns) of the file it belongs to, and a file is read again when either differs:

    <user's cache>/manifests/<hash of the root's path>.tsv      written by every run
    <root>/.densebench-manifest.tsv                             written where DenseBench made the dataset

``benchmark/cache.py`` says where the user's cache is. A dataset somebody else put there is never written to, so a
read-only data root needs no special case; where the cache cannot be written, hashes are simply not kept.

Known limits: a file that is changed with its size and modification time restored is not noticed, as with git or rsync
(`densebench check` reads everything anew). A file younger than two seconds is not kept: it may change again within the
resolution of the clock.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.atomic import atomic_write
from benchmark.cache import cache_folder
from benchmark.data.folders import under_another_suffix
from benchmark.errors import DataError
from benchmark.progress import Progress, size

BESIDE = ".densebench-manifest.tsv"
"""Name of the manifest that travels with a dataset."""

_VERSION = "densebench-manifest 1"
_SETTLED_NS = 2_000_000_000
_CHUNK = 1 << 20
_QUIET_BELOW = 256 << 20  # bytes that are read before anybody wonders what is going on


@dataclass(frozen=True)
class FileHash:
    """One file of a dataset."""

    name: str
    """Path relative to the dataset's root, with forward slashes."""

    size: int
    """Bytes."""

    modified_ns: int
    """Modification time in nanoseconds."""

    sha256: str
    """Hash of the content, 64 hexadecimal digits."""


class Manifest:
    """The known hashes of the files under one root.

    Args:
        root: The dataset's root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries: dict[str, FileHash] = {}
        self._dirty = False
        for path in (root / BESIDE, _in_cache(root)):
            self._entries.update(_read(path) if path else {})

    def hashes(self, files: Sequence[Path], *, fresh: bool = False, quiet: bool = False) -> list[FileHash]:
        """Returns one entry per file, in order; only files that are new or changed are read.

        Args:
            files: Paths under the root.
            fresh: Read every file, whatever is known.
            quiet: Show no progress.

        Raises:
            DataError: A file that is missing, cannot be read, or lies outside the root.
        """
        found = {path: self._stat(path) for path in files}
        unknown = [path for path in found if fresh or not found[path].sha256]
        total = sum(found[path].size for path in unknown)
        progress = Progress(total, "hashing the data", quiet=quiet or total < _QUIET_BELOW, count=size)
        pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))  # hashing releases the interpreter
        try:
            for path, digest in zip(unknown, pool.map(_sha256_of_data, unknown), strict=True):
                found[path] = replace(found[path], sha256=digest)
                self.learn(found[path])
                progress.advance(by=found[path].size)
        finally:
            pool.shutdown(cancel_futures=True)
        if unknown:
            progress.close()
        return [found[path] for path in files]

    def stat(self, path: Path) -> FileHash:
        """Returns the entry of a file that is about to be read, with an empty hash.

        Raises:
            DataError: A file that is missing or lies outside the root.
        """
        try:
            stat = path.stat()
        except OSError as error:
            hint = under_another_suffix(path) if isinstance(error, FileNotFoundError) else ""
            raise DataError(f"{path} cannot be read: {error.strerror}{hint}") from error
        return FileHash(_name(path, self.root), stat.st_size, stat.st_mtime_ns, "")

    def learn(self, entry: FileHash) -> None:
        """Takes over a hash; size and time must have been taken by `stat` before the file was read."""
        settled = time.time_ns() - entry.modified_ns > _SETTLED_NS
        if settled and "\n" not in entry.name and self._entries.get(entry.name) != entry:
            self._entries[entry.name] = entry
            self._dirty = True

    def save(self, *, beside: bool = False) -> bool:
        """Keeps the hashes for the next run.

        Args:
            beside: Write to the dataset's own folder instead of the user's cache.

        Returns:
            Whether they could be written.
        """
        if not self._dirty and not beside:
            return True
        path = self.root / BESIDE if beside else _in_cache(self.root)
        if path is None:
            return False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            known = _read(path)  # another process may have learnt other files meanwhile
            known.update(self._entries)
            lines = [f"{e.sha256}\t{e.size}\t{e.modified_ns}\t{e.name}\n" for e in known.values()]
            with atomic_write(path) as file:
                root = "." if beside else str(self.root.resolve())
                file.write(f"{_VERSION}\t{root}\n".encode("utf-8", "surrogateescape"))
                file.writelines(line.encode("utf-8", "surrogateescape") for line in lines)
        except OSError:
            return False
        self._dirty = False
        return True

    def _stat(self, path: Path) -> FileHash:
        """Returns the entry of a file, with an empty hash where it must be read."""
        entry = self.stat(path)
        known = self._entries.get(entry.name)
        same = known is not None and (known.size, known.modified_ns) == (entry.size, entry.modified_ns)
        return known if same else entry


def fingerprint(files: Sequence[Path], root: Path, *, quiet: bool = False) -> str:
    """Hashes relative names and contents of ``files`` in their order.

    Args:
        files: Every file that can influence a result, in the order it is used.
        root: The dataset's root; where it lies does not matter.
        quiet: Show no progress.

    Returns:
        16 hexadecimal digits.

    Raises:
        DataError: A file that is missing, cannot be read, or lies outside the root.
    """
    return fingerprint_splits({"": files}, root, quiet=quiet)


def fingerprint_splits(splits: Mapping[str, Sequence[Path]], root: Path, *, quiet: bool = False) -> str:
    """Does what `fingerprint` does for several splits; which split a file belongs to counts."""
    manifest = Manifest(root)
    try:
        entries = {name: manifest.hashes(files, quiet=quiet) for name, files in splits.items()}
    finally:  # what was hashed before an interruption need not be hashed again
        manifest.save()
    return digest_splits(entries)


def digest_splits(splits: Mapping[str, Iterable[FileHash]]) -> str:
    """Returns the fingerprint (16 hexadecimal digits) of entries by split."""
    digest = hashlib.sha256()
    for split, entries in splits.items():
        for entry in entries:
            digest.update(f"{split}\t{entry.sha256}\t{entry.name}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def hash_file(path: Path, algorithm: str = "sha256", advance: Callable[[int], object] = int) -> str:
    """Returns the hash of a file in hexadecimal digits; ``advance`` is called with the bytes read.

    Raises:
        OSError: The file cannot be read.
        ValueError: An algorithm hashlib does not know.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


def _sha256_of_data(path: Path) -> str:
    try:
        return hash_file(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _name(path: Path, root: Path) -> str:
    text, prefix = str(path), f"{root}/"
    if text.startswith(prefix):  # ten times as fast, which tells with ImageNet's million
        return text.removeprefix(prefix)
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        raise DataError(f"{path} does not lie in its dataset's root {root}") from None


def _in_cache(root: Path) -> Path | None:
    """Returns where the user's cache keeps the manifest of a root; None for a user without a home."""
    folder = cache_folder()
    if folder is None:
        return None
    key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]
    return folder / "manifests" / f"{key}.tsv"


def _read(path: Path) -> dict[str, FileHash]:
    """Reads a manifest; one that is absent, damaged or of another version counts as absent; it is not an error."""
    try:
        lines = path.read_text("utf-8", "surrogateescape").split("\n")
    except OSError:
        return {}
    if not lines[0].startswith(f"{_VERSION}\t"):
        return {}
    entries = {}
    for line in lines[1:]:
        parts = line.split("\t", 3)
        if len(parts) != 4:
            continue
        digest, length, modified, name = parts
        if len(digest) == 64 and length.isdecimal() and modified.isdecimal() and name:
            entries[name] = FileHash(name, int(length), int(modified), digest)
    return entries
