"""Reading .zip, .tar and compressed tar archives without trusting them.

`members` walks through an archive once, front to back, and yields what is in it; the caller decides where each file
goes. Nothing is written here, links are never made, and an archive is refused as a whole, by the name of the first bad
member, when it holds

* an absolute path, a drive letter, a ``..`` or a NUL in a name, also with backslashes;
* a symbolic or hard link that leads out of the archive (one that stays inside is read as a copy of its target);
* a device, pipe or socket;
* an encrypted, damaged or truncated member;
* more than `Limits` allows. Sizes are those of the headers: neither format lets a member be read beyond them.
"""

from __future__ import annotations

import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmark.errors import DataError

_CHUNK = 1 << 20
_LONGEST_LINK = 4096

# zipfile says RuntimeError for encrypted members and NotImplementedError, one of its kind, for unknown compression; a
# name that is marked as UTF-8 and is none is a UnicodeDecodeError.
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, RuntimeError, OSError, UnicodeDecodeError),
)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold."""

    ratio: float = 200.0
    """Unpacked bytes per packed byte. Photographs have about 1, label maps below 20; a bomb has 1,000 and more."""

    free_bytes: int = 100_000_000
    """Unpacked bytes below which the ratio does not matter: a small archive of plain text may be very dense."""

    total_bytes: int = 2_000_000_000_000
    """Unpacked bytes."""

    files: int = 5_000_000
    """Files; ImageNet has 1.3 million."""


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One regular file of an archive."""

    name: str
    """Path inside the archive, normalised, with forward slashes; never absolute, never upwards."""

    size: int
    """Bytes."""

    archive: str
    """What errors call the archive."""

    open: Callable[[], IO[bytes]]
    """Opens the content; to be used before the next member is asked for."""

    def copy(self, target: IO[bytes], advance: Callable[[int], object] = int) -> None:
        """Writes the content to ``target``; ``advance`` is called with the bytes.

        Raises:
            DataError: A damaged or truncated member.
            OSError: ``target`` cannot be written.
        """
        with _naming(self.archive):
            source = self.open()
        with source:
            while chunk := self._read(source):
                target.write(chunk)
                advance(len(chunk))

    def _read(self, source: IO[bytes]) -> bytes:
        with _naming(self.archive):
            return source.read(_CHUNK)


class _Meter:
    """Adds up what the headers of one archive promise and stops at the limits."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.most = max(limits.free_bytes, limits.ratio * path.stat().st_size)
        self.files = self.bytes = 0

    def count(self, size: int) -> None:
        self.files += 1
        self.bytes += size
        if self.files > self.limits.files:
            raise DataError(f"{self.path} holds more than {self.limits.files:,} files; it was not unpacked")
        if self.bytes > self.limits.total_bytes:
            raise DataError(f"{self.path} unpacks to more than {self.limits.total_bytes:,} bytes; it was not unpacked")
        if self.bytes > self.most:
            ratio = f"{self.limits.ratio:g} times its own size"
            raise DataError(f"{self.path} unpacks to more than {ratio}, as a zip bomb does; it was not unpacked")


def is_archive(path: Path) -> bool:
    """Tells by its content whether a file is an archive that can be read here."""
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def unpacked_size(path: Path) -> int | None:
    """Returns about how many bytes the files of an archive have, or None where only unpacking would tell.

    Raises:
        DataError: A damaged archive.
    """
    with _naming(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return sum(info.file_size for info in archive.infolist())
        try:
            with tarfile.open(path, "r:"):
                return path.stat().st_size
        except tarfile.ReadError:  # a compressed one
            return None


def members(path: Path, limits: Limits = LIMITS) -> Iterator[Member]:
    """Yields the regular files of an archive.

    Args:
        path: The archive.
        limits: What it may hold.

    Raises:
        DataError: Anything the module's docstring lists.
    """
    meter = _Meter(path, limits)
    with _naming(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from _zip_members(archive, path, meter)
        else:
            with tarfile.open(path) as archive:
                links = yield from _tar_members(archive, str(path), meter)
            if links:
                yield from _linked_members(path, links)


def inner_members(outer: Member, limits: Limits = LIMITS) -> Iterator[Member]:
    """Yields the files of an uncompressed tar inside another archive, without unpacking it first.

    Raises:
        DataError: As for `members`; links are refused.
    """
    name = f"{outer.archive}: {outer.name}"
    meter = _Meter(Path(outer.archive), limits)
    with _naming(name), outer.open() as file, tarfile.open(fileobj=file, mode="r|") as archive:
        links = yield from _tar_members(archive, name, meter)
    if links:
        raise DataError(f"{name} holds the link {next(iter(links))!r}; links are not followed there")


def safe_name(name: str, archive: Path | str) -> str:
    """Normalises the name of a member.

    Args:
        name: As it stands in the archive.
        archive: What the error calls the archive.

    Raises:
        DataError: A name that is absolute, leads upwards or holds a NUL.
    """
    plain = name.replace("\\", "/")
    if plain.startswith("/") or plain[1:2] == ":" or ".." in plain.split("/") or "\0" in plain:
        raise DataError(f"{archive} holds the path {name!r}, which leads out of the folder; it was not unpacked")
    return posixpath.normpath(plain)


def _zip_members(archive: zipfile.ZipFile, path: Path, meter: _Meter) -> Iterator[Member]:
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = safe_name(info.filename, path)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise DataError(f"{path}: {name!r} is a device, pipe or socket; it was not unpacked")
        if not info.is_dir():
            infos[name] = info
            meter.count(info.file_size)
    for name, info in infos.items():
        source = info
        if stat.S_ISLNK(info.external_attr >> 16):
            with archive.open(info) as file:
                target = _link_target(name, file.read(_LONGEST_LINK).decode(errors="replace"), path)
            source = infos.get(target)
            if source is None or stat.S_ISLNK(source.external_attr >> 16):
                raise DataError(f"{path}: the link {name!r} leads to {target!r}, which is not a file of the archive")
            meter.count(source.file_size)
        yield Member(name, source.file_size, str(path), lambda source=source: archive.open(source))


def _tar_members(archive: tarfile.TarFile, path: str, meter: _Meter) -> Iterator[Member]:
    """Yields the regular files and returns the links: their names with those of their targets."""
    links: dict[str, str] = {}
    for info in archive:
        name = safe_name(info.name, path)
        if info.isreg():
            meter.count(info.size)
            yield Member(name, info.size, path, lambda info=info: archive.extractfile(info))
        elif info.issym():
            links[name] = _link_target(name, info.linkname, path)
        elif info.islnk():
            links[name] = safe_name(info.linkname, path)
        elif not info.isdir():
            raise DataError(f"{path}: {name!r} is a device, pipe or socket; it was not unpacked")
        archive.members = []  # tarfile would keep every header: a gigabyte for a million files
    return links


def _linked_members(path: Path, links: dict[str, str]) -> Iterator[Member]:
    """Yields the targets of links under the links' names, in a second pass: links are rare, headers many."""
    meter = _Meter(path, LIMITS)
    left = dict(links)
    with tarfile.open(path) as archive:
        for info in archive:
            name = safe_name(info.name, path)
            for link in [link for link, target in left.items() if info.isreg() and target == name]:
                del left[link]
                meter.count(info.size)
                yield Member(link, info.size, str(path), lambda info=info: archive.extractfile(info))
            archive.members = []
    for link, target in left.items():
        raise DataError(f"{path}: the link {link!r} leads to {target!r}, which is not a file of the archive")


def _link_target(name: str, target: str, path: Path | str) -> str:
    """Returns where a symbolic link leads inside the archive; raises DataError if it leads out."""
    plain = target.replace("\\", "/")
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(name), plain))
    if plain.startswith("/") or plain[1:2] == ":" or "\0" in plain or joined.split("/")[0] == "..":
        raise DataError(f"{path}: the link {name!r} leads out of the folder, to {target!r}; it was not unpacked")
    return joined


@contextmanager
def _naming(path: Path | str) -> Iterator[None]:
    """Turns the many errors of damaged archives into one that names the archive."""
    try:
        yield
    except _BROKEN as error:
        raise DataError(f"{path} is damaged or no .zip or .tar archive: {error}") from error
