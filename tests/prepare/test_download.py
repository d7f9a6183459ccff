"""Downloads from a server on this machine, with everything that goes wrong on the way."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmark.errors import DataError
from benchmark.prepare import download as module
from benchmark.prepare.download import download, is_url

CONTENT = bytes(n * 31 % 256 for n in range(300_000))


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)
    """Bytes after which the connection of each of the next answers breaks."""
    status: int = 200
    kind: str = "application/zip"
    location: str | None = None
    length: bool = True
    wrong_range: bool = False
    asked: list[str | None] = field(default_factory=list)
    """``Range`` of each request."""


class Server(http.server.ThreadingHTTPServer):
    """A server on 127.0.0.1 with a behaviour."""

    behaviour: Behaviour

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET as the behaviour says."""

    server: Server

    def do_GET(self) -> None:  # noqa: D102
        do = self.server.behaviour
        do.asked.append(self.headers["Range"])
        if do.location:
            self.send_response(302)
            self.send_header("Location", do.location)
            self.end_headers()
            return
        if do.status != 200:
            self.send_error(do.status)
            return
        start, total = 0, len(do.content)
        same = self.headers["If-Range"] in {do.etag, do.modified} - {None}
        if self.headers["Range"] and do.ranges and same:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= total:
                self.send_error(416)
                return
            start += do.wrong_range
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", do.kind)
        for name, value in (("ETag", do.etag), ("Last-Modified", do.modified)):
            if value:
                self.send_header(name, value)
        if do.length:
            self.send_header("Content-Length", str(total - start))
        self.end_headers()
        body = do.content[start:]
        self.wfile.write(body[: do.break_after.pop(0)] if do.break_after else body)

    def log_message(self, *_arguments: object) -> None:  # noqa: D102
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.behaviour = Behaviour()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join(10)


def _break(server: Server, folder: Path, after: int = 100_000) -> None:
    """Leaves a partial download behind, as a killed command does."""
    server.behaviour.break_after = [after]
    with pytest.raises(DataError, match="the same command resumes there"):
        download(f"{server.url}/data.zip", folder, pauses_s=())
    assert not list(folder.rglob("data.zip"))
    server.behaviour.asked.clear()


def test_a_file_arrives_whole_and_nothing_else_stays(server: Server, tmp_path: Path) -> None:
    path = download(f"{server.url}/some/data.zip?token=1", tmp_path)
    assert path.name == "data.zip"
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["data.zip"]


def test_a_file_that_is_there_is_not_fetched_again(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = download(f"{server.url}/data.zip", tmp_path)
    assert download(f"{server.url}/data.zip", tmp_path) == first
    assert server.behaviour.asked == [None]
    assert "was downloaded before" in capsys.readouterr().out


def test_files_of_one_name_from_two_addresses_do_not_meet(server: Server, tmp_path: Path) -> None:
    assert download(f"{server.url}/a/data.zip", tmp_path) != download(f"{server.url}/b/data.zip", tmp_path)


def test_an_interrupted_download_goes_on_where_it_was(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(server, tmp_path)
    path = download(f"{server.url}/data.zip", tmp_path, pauses_s=())
    assert path.read_bytes() == CONTENT
    assert server.behaviour.asked == ["bytes=100000-"]
    assert "data.zip: resumes at 100.0 kB/300.0 kB" in capsys.readouterr().err


def test_a_broken_connection_is_tried_again_within_one_command(server: Server, tmp_path: Path) -> None:
    server.behaviour.break_after = [50_000, 50_000, 50_000]
    assert download(f"{server.url}/data.zip", tmp_path, pauses_s=(0.0,)).read_bytes() == CONTENT
    assert server.behaviour.asked == [None, "bytes=50000-", "bytes=100000-", "bytes=150000-"]


@pytest.mark.parametrize("length", [len(CONTENT), len(CONTENT) + 7, 90_000])
def test_a_file_that_changed_meanwhile_is_not_glued_together(
    server: Server, tmp_path: Path, length: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(server, tmp_path)
    server.behaviour.content, server.behaviour.etag = bytes(length), '"two"'
    assert download(f"{server.url}/data.zip", tmp_path, pauses_s=()).read_bytes() == bytes(length)
    assert "starting anew" in capsys.readouterr().out


def test_a_date_serves_where_there_is_no_etag(server: Server, tmp_path: Path) -> None:
    server.behaviour.etag, server.behaviour.modified = None, "Fri, 11 May 2012 00:00:00 GMT"
    _break(server, tmp_path)
    assert download(f"{server.url}/data.zip", tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == ["bytes=100000-"]


@pytest.mark.parametrize("etag", [None, 'W/"one"'])
def test_without_a_version_to_compare_a_download_starts_anew(server: Server, tmp_path: Path, etag: str | None) -> None:
    server.behaviour.etag = etag
    _break(server, tmp_path)
    assert download(f"{server.url}/data.zip", tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [None]


def test_a_server_without_ranges_sends_everything_again(server: Server, tmp_path: Path) -> None:
    _break(server, tmp_path)
    server.behaviour.ranges = False
    assert download(f"{server.url}/data.zip", tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == ["bytes=100000-"]


def test_a_part_that_is_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    _break(server, tmp_path)
    [part] = tmp_path.rglob("*.part")
    part.write_bytes(bytes(len(CONTENT)))
    assert download(f"{server.url}/data.zip", tmp_path, pauses_s=(0.0,)).read_bytes() == CONTENT
    assert server.behaviour.asked == ["bytes=300000-", None]


def test_a_part_without_its_notes_is_thrown_away(server: Server, tmp_path: Path) -> None:
    _break(server, tmp_path)
    [notes] = tmp_path.rglob("*.json")
    notes.write_text("{")
    assert download(f"{server.url}/data.zip", tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [None]


def test_a_range_that_was_not_asked_for_is_refused(server: Server, tmp_path: Path) -> None:
    _break(server, tmp_path)
    server.behaviour.wrong_range = True
    with pytest.raises(DataError, match="sends another part than was asked for"):
        download(f"{server.url}/data.zip", tmp_path)


def test_a_missing_file_is_told_with_a_way_out(server: Server, tmp_path: Path) -> None:
    server.behaviour.status = 404
    with pytest.raises(DataError, match="answers 404 Not Found; check the address, or download the file in a browser"):
        download(f"{server.url}/data.zip", tmp_path)
    assert server.behaviour.asked == [None]


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.behaviour.status = 503
    with pytest.raises(DataError, match="answers 503"):
        download(f"{server.url}/data.zip", tmp_path, pauses_s=(0.0, 0.0))
    assert len(server.behaviour.asked) == 3


def test_a_login_page_is_no_archive(server: Server, tmp_path: Path) -> None:
    server.behaviour.kind = "text/html; charset=utf-8"
    with pytest.raises(DataError, match="a web page came, not a file; the site probably wants a login"):
        download(f"{server.url}/data.zip", tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_a_server_that_cannot_be_reached_is_told(tmp_path: Path, server: Server) -> None:
    url = server.url
    server.server_close()
    with pytest.raises(DataError, match="no connection"):
        download(f"{url}/data.zip", tmp_path, pauses_s=())


def test_an_unknown_length_is_no_obstacle(server: Server, tmp_path: Path) -> None:
    server.behaviour.length = False
    assert download(f"{server.url}/data.zip", tmp_path).read_bytes() == CONTENT


def test_a_full_disk_is_told_before_anything_is_written(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = module.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(DataError, match=r"300\.0 kB are to come and 1\.0 kB are free"):
        download(f"{server.url}/data.zip", tmp_path)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/data.zip"])
def test_a_redirection_to_another_protocol_is_refused(server: Server, tmp_path: Path, location: str) -> None:
    server.behaviour.location = location
    with pytest.raises(DataError):
        download(f"{server.url}/data.zip", tmp_path, pauses_s=())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_file_addresses_are_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "my data.zip").write_bytes(CONTENT)
    assert download((tmp_path / "my data.zip").as_uri(), tmp_path / "downloads") == tmp_path / "my data.zip"
    assert not (tmp_path / "downloads").exists()
    with pytest.raises(DataError, match="there is no"):
        download((tmp_path / "absent").as_uri(), tmp_path)


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"http://\[host/data\.zip is not an address"):
        download("http://[host/data.zip", tmp_path)


@pytest.mark.parametrize("url", ["ftp://host/data.zip", "s3://bucket/data.zip"])
def test_other_protocols_are_refused(tmp_path: Path, url: str) -> None:
    assert is_url(url)
    with pytest.raises(DataError, match="only http, https and file"):
        download(url, tmp_path)


def test_secrets_in_an_address_are_not_printed(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        download("sftp://me:secret@host/data.zip?token=secret", tmp_path)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "name"), [("/", "download"), ("/a/%2e%2e%2fb", "b"), ("/..", "download"), ("/x y.zip", "x_y.zip")]
)
def test_names_are_harmless(server: Server, tmp_path: Path, path: str, name: str) -> None:
    found = download(server.url + path.replace(" ", "%20"), tmp_path)
    assert found.name == name
    assert found.parent.parent == tmp_path


def test_paths_are_no_addresses() -> None:
    assert not any(map(is_url, ["data.zip", "/data/archive.zip", "C:/data.zip", "./http/data.zip"]))
