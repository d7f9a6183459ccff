"""Downloads that resume where they were interrupted.

    <folder>/<hash of the URL>/<name>.part        what has come so far
    <folder>/<hash of the URL>/<name>.json        which version of the file that is: its ETag or date, and its size
    <folder>/<hash of the URL>/<name>             the whole file; appears by a rename

A partial file is gone on with only if the server says that the file is still the same (``If-Range``); otherwise the
download starts anew, so two versions are never glued together. A server that ignores ``Range`` sends the whole file,
and one that names no version leaves nothing to compare: both mean a new start. A file whose size is not the promised
one is never renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmark import __version__
from benchmark.atomic import atomic_write
from benchmark.errors import DataError
from benchmark.progress import Progress, size

_CHUNK = 1 << 18
_TIMEOUT_S = 60.0
_PAUSES_S = (1.0, 5.0, 15.0)
"""Waits before the next try when the connection breaks; progress resets them."""


@dataclass(frozen=True)
class _Version:
    """What tells one version of a file on a server from another."""

    etag: str | None
    modified: str | None
    total: int | None

    @property
    def validator(self) -> str | None:
        """The value of ``If-Range``; a weak ETag does not promise equal bytes and must not stand there."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.modified


class _Interrupted(Exception):
    """The connection broke; what has come is kept."""


def is_url(source: str) -> bool:
    """Tells whether a source names a protocol, as in ``https://``."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source) is not None


def download(url: str, folder: Path, *, pauses_s: tuple[float, ...] = _PAUSES_S) -> Path:
    """Brings a file into ``folder`` and returns its path; a file that is there already is not fetched again.

    Args:
        url: ``http``, ``https`` or ``file`` address. A ``file`` address is returned as the path it names.
        folder: Where downloads are kept; made where missing.
        pauses_s: Seconds to wait before each new try after a broken connection.

    Raises:
        DataError: Another protocol, an answer that is not a file, too little room on the disk, or a connection that
            stays broken; the same command resumes.
    """
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError as error:
        raise DataError(f"{url} is not an address: {error}") from error
    if parts.scheme == "file":
        return _local(parts)
    if parts.scheme not in ("http", "https"):
        raise DataError(f"{_shown(url)}: only http, https and file addresses can be read; download it in another way")
    target = folder / hashlib.sha256(url.encode()).hexdigest()[:12] / _name(parts)
    if target.is_file():
        print(f"{target} was downloaded before; delete it to fetch it again")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    waits = list(pauses_s)
    while True:
        part = _part(target)
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch(url, target)
        except _Interrupted as error:
            now = part.stat().st_size if part.exists() else 0
            waits = list(pauses_s) if now > before else waits
            if not waits:
                raise DataError(
                    f"{_shown(url)}: {error}; {size(now)} are kept, and the same command resumes there"
                ) from error
            print(f"{_shown(url)}: {error}; trying again in {waits[0]:g} s")
            time.sleep(waits.pop(0))
        else:
            return target


def _fetch(url: str, target: Path) -> None:
    """Asks once for what is missing and renames the file when it is whole."""
    part, notes = _part(target), target.with_name(f"{target.name}.json")
    known = _known_version(notes) if part.exists() else None
    start = part.stat().st_size if known and known.validator else 0
    headers = {"User-Agent": f"densebench/{__version__}", "Accept-Encoding": "identity"}
    if start and known:
        headers |= {"Range": f"bytes={start}-", "If-Range": str(known.validator)}
    with _answer(url, headers, target) as answer:
        if answer is None:  # the range lies beyond the end: what is there belongs to another version
            start = 0
            part.unlink()
            raise _Interrupted("the file on the server has changed, starting anew")
        start, version = _place(answer, url, start, known)
        _refuse_pages(answer, url)
        _refuse_full_disk(version, start, target)
        if version != known:
            with atomic_write(notes) as file:
                file.write(json.dumps(asdict(version)).encode())
        progress = Progress(version.total, target.name, done=start, count=size)
        with part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for chunk in _chunks(answer):
                file.write(chunk)
                progress.advance(by=len(chunk))
        progress.close()
    came = part.stat().st_size
    if version.total is not None and came != version.total:
        if came > version.total:
            part.unlink()
        raise _Interrupted(f"{size(came)} of {size(version.total)} came")
    part.rename(target)
    notes.unlink()


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _known_version(notes: Path) -> _Version | None:
    try:
        return _Version(**json.loads(notes.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def _answer(url: str, headers: dict[str, str], target: Path) -> Iterator[http.client.HTTPResponse | None]:
    """Opens the address; None where the server has nothing at the wanted range."""
    # Without the other handlers: a redirection must not lead to ftp or to a file of this machine.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (http and https only)
    try:
        answer = opener.open(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and _part(target).exists():
                yield None
                return
            if error.code in (429, 500, 502, 503, 504):
                raise _Interrupted(f"the server answers {error.code} {error.reason}") from error
            raise DataError(
                f"{_shown(url)}: the server answers {error.code} {error.reason}; check the address, or download the "
                "file in a browser and give its path"
            ) from error
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise _Interrupted(f"no connection: {reason}") from error
    with answer:
        yield answer


def _place(answer: http.client.HTTPResponse, url: str, start: int, known: _Version | None) -> tuple[int, _Version]:
    """Returns where in the file the answer begins, and which version it belongs to."""
    etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    length = answer.headers.get("Content-Length")
    coming = int(length) if length and length.isdecimal() else None
    if answer.status != http.client.PARTIAL_CONTENT or known is None:
        if start:
            print(f"{_shown(url)}: the file has changed or the server cannot resume; starting anew")
        return 0, _Version(etag, modified, coming)
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("Content-Range", ""))
    total = int(match[3]) if match and match[3] != "*" else known.total
    if match is None or int(match[1]) != start or total != known.total or (etag or known.etag) != known.etag:
        raise DataError(f"{_shown(url)}: the server sends another part than was asked for; download it in another way")
    return start, known


def _refuse_pages(answer: http.client.HTTPResponse, url: str) -> None:
    """Raises DataError where a web page comes instead of a file: a login, a licence to click, an error."""
    if answer.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise DataError(
            f"{_shown(url)}: a web page came, not a file; the site probably wants a login. Download the file in a "
            "browser and give its path"
        )


def _refuse_full_disk(version: _Version, start: int, target: Path) -> None:
    free = shutil.disk_usage(target.parent).free
    if version.total is not None and version.total - start > free:
        raise DataError(f"{target.parent}: {size(version.total - start)} are to come and {size(free)} are free")


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = answer.read1(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _Interrupted(f"the connection broke: {error}") from error
        if not chunk:
            return
        yield chunk


def _local(parts: urllib.parse.SplitResult) -> Path:
    path = Path(urllib.request.url2pathname(parts.path))
    if parts.netloc not in ("", "localhost"):
        raise DataError(f"file://{parts.netloc}{parts.path}: a file address has three slashes, file:///folder/file")
    if not path.exists():
        raise DataError(f"there is no {path}")
    return path


def _name(parts: urllib.parse.SplitResult) -> str:
    """Returns a harmless file name for the last part of the address."""
    last = urllib.parse.unquote(parts.path).replace("\\", "/").rstrip("/").split("/")[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".")[:150] or "download"


def _shown(url: str) -> str:
    """Returns the address without user, password and query, which may be secrets."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
