"""Archives, hostile ones above all."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.errors import DataError
from benchmark.prepare.archives import Limits, inner_members, is_archive, members

CONTENT = b"some bytes " * 100


def _tar(path: Path, *infos: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(b"x" * info.size) if info.isreg() else None)
    return path


def _info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 3) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size if kind == tarfile.REGTYPE else 0
    return info


def _zip(path: Path, files: dict[str, bytes], modes: dict[str, int] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return path


def _contents(path: Path, limits: Limits | None = None) -> dict[str, bytes]:
    found = {}
    for member in members(path, limits or Limits()):
        target = io.BytesIO()
        member.copy(target)
        found[member.name] = target.getvalue()
    return found


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_are_read_whatever_their_compression(tmp_path: Path, mode: str) -> None:
    path = _tar(tmp_path / "data.bin", _info("./a/b.txt"), _info("a", tarfile.DIRTYPE), _info("c"), mode=mode)
    assert is_archive(path)
    assert _contents(path) == {"a/b.txt": b"xxx", "c": b"xxx"}


def test_zips_are_read(tmp_path: Path) -> None:
    path = _zip(tmp_path / "data.bin", {"a/b.txt": CONTENT, "a/": b""})
    assert is_archive(path)
    assert _contents(path) == {"a/b.txt": CONTENT}


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("2007_000032\n")
    assert not is_archive(path)
    with pytest.raises(DataError, match=r"list\.txt is damaged or no \.zip or \.tar archive"):
        _contents(path)


EVIL_NAMES = ["../evil", "a/../../evil", "/evil", "..\\evil", "a\\..\\..\\evil", "C:\\evil", "C:evil", "\\\\host\\evil"]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_tar_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out of the folder; it was not unpacked"):
        _contents(_tar(tmp_path / "evil.tar", _info("good"), _info(name)))


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_zip_that_leads_out_of_the_folder_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    path = _zip(tmp_path / "evil.zip", {"good": b"x", name: b"x"})
    with pytest.raises(DataError, match="leads out of the folder; it was not unpacked"):
        next(iter(members(path)))


def test_a_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leads out of the folder"):
        _contents(_tar(tmp_path / "evil.tar", _info("../out", tarfile.DIRTYPE)))


@pytest.mark.parametrize("target", ["../../etc/passwd", "/etc/passwd", "..\\..\\evil", "C:/evil"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_that_lead_out_of_a_tar_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    with pytest.raises(DataError, match="leads out of the folder"):
        _contents(_tar(tmp_path / "evil.tar", _info("a/link", kind, target)))


def test_links_that_lead_out_of_a_zip_are_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "evil.zip", {"link": b"../../etc/passwd"}, {"link": stat.S_IFLNK | 0o777})
    with pytest.raises(DataError, match=r"the link 'link' leads out of the folder, to '\.\./\.\./etc/passwd'"):
        _contents(path)


def test_links_inside_an_archive_become_copies(tmp_path: Path) -> None:
    tar = _tar(
        tmp_path / "links.tar",
        _info("a/first", tarfile.SYMTYPE, "../b/file"),
        _info("b/file"),
        _info("hard", tarfile.LNKTYPE, "b/file"),
    )
    assert _contents(tar) == {"b/file": b"xxx", "a/first": b"xxx", "hard": b"xxx"}
    packed = _zip(tmp_path / "links.zip", {"a/link": b"../b", "b": CONTENT}, {"a/link": stat.S_IFLNK | 0o777})
    assert _contents(packed) == {"a/link": CONTENT, "b": CONTENT}


@pytest.mark.parametrize("target", ["absent", "other"])
def test_links_to_nothing_or_to_links_are_refused(tmp_path: Path, target: str) -> None:
    links = [_info("link", tarfile.SYMTYPE, target), _info("other", tarfile.SYMTYPE, "link")]
    with pytest.raises(DataError, match="which is not a file of the archive"):
        _contents(_tar(tmp_path / "links.tar", *links))
    mode = stat.S_IFLNK | 0o777
    path = _zip(tmp_path / "l.zip", {"link": target.encode(), "other": b"link"}, {"link": mode, "other": mode})
    with pytest.raises(DataError, match="which is not a file of the archive"):
        _contents(path)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(DataError, match="'dev' is a device, pipe or socket"):
        _contents(_tar(tmp_path / "evil.tar", _info("dev", kind)))
    path = _zip(tmp_path / "evil.zip", {"dev": b""}, {"dev": stat.S_IFIFO | 0o644})
    with pytest.raises(DataError, match="'dev' is a device, pipe or socket"):
        _contents(path)


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    path = _zip(tmp_path / "bomb.zip", {"zeros": b"\0" * 5_000_000})
    assert path.stat().st_size < 5_000_000 / 200
    with pytest.raises(DataError, match="unpacks to more than 200 times its own size, as a zip bomb does"):
        next(iter(members(path, Limits(free_bytes=1_000_000))))


def test_a_compressed_tar_is_measured_while_it_is_read(tmp_path: Path) -> None:
    path = _tar(tmp_path / "bomb.tgz", *(_info(str(n), size=500_000) for n in range(10)), mode="w:gz")
    seen = []
    with pytest.raises(DataError, match="as a zip bomb does"):
        seen.extend(member.name for member in members(path, Limits(free_bytes=1_000_000)))
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("limits", "text"), [(Limits(total_bytes=5), "more than 5 bytes"), (Limits(files=1), "more than 1 files")]
)
def test_total_size_and_number_of_files_are_limited(tmp_path: Path, limits: Limits, text: str) -> None:
    for path in (
        _tar(tmp_path / "a.tar", _info("a"), _info("b")),
        _zip(tmp_path / "a.zip", {"a": b"xxx", "b": b"xxx"}),
    ):
        with pytest.raises(DataError, match=text):
            _contents(path, limits)


def test_a_header_that_lies_about_the_size_gets_no_further(tmp_path: Path) -> None:
    path = _zip(tmp_path / "liar.zip", {"zeros": b"\0" * 100_000})
    raw = path.read_bytes()
    path.write_bytes(raw.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    target = io.BytesIO()
    with pytest.raises(DataError, match=r"liar\.zip is damaged"):
        for member in members(path):
            member.copy(target)
    assert len(target.getvalue()) <= 10


def _flip(raw: bytes) -> bytes:
    middle = raw.index(b"some bytes") + 5
    return raw[:middle] + b"!" + raw[middle + 1 :]


def test_a_damaged_zip_member_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", CONTENT)
    path.write_bytes(_flip(path.read_bytes()))
    with pytest.raises(DataError, match=r"a\.zip is damaged .*CRC"):
        _contents(path)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("read", [_contents, lambda path: list(members(path))])
def test_a_truncated_tar_is_told(tmp_path: Path, mode: str, read: Callable) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode) as archive:
        for name in "abcdef":
            info = tarfile.TarInfo(name)
            info.size = 50_000
            archive.addfile(info, io.BytesIO(bytes(n * 7919 % 251 for n in range(50_000))))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 77])
    with pytest.raises(DataError, match=r"a\.tar is damaged"):
        read(path)


def test_a_name_that_claims_to_be_utf_8_and_is_none_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("caf\u00e9e.txt", b"")
    content = (tmp_path / "a.zip").read_bytes().replace("\u00e9".encode(), b"\xe9x")
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip is damaged"):
        list(members(tmp_path / "a.zip"))


def test_an_encrypted_zip_is_told(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a": CONTENT})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # the flag of the local header, and
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # that of the central directory
    path.write_bytes(raw)
    with pytest.raises(DataError, match="encrypted"):
        _contents(path)


def test_a_tar_inside_a_tar_is_read_without_unpacking_it(tmp_path: Path) -> None:
    inner = _tar(tmp_path / "n01440764.tar", _info("a.JPEG"), _info("b.JPEG"))
    with tarfile.open(tmp_path / "outer.tar", "w") as archive:
        archive.add(inner, "n01440764.tar")
    found = []
    for outer in members(tmp_path / "outer.tar"):
        for member in inner_members(outer):
            member.copy(target := io.BytesIO())
            found.append((member.name, target.getvalue()))
    assert found == [("a.JPEG", b"xxx"), ("b.JPEG", b"xxx")]


def test_a_hostile_tar_inside_a_tar_is_refused(tmp_path: Path) -> None:
    for number, info in enumerate([_info("../evil"), _info("link", tarfile.SYMTYPE, "a")]):
        inner = _tar(tmp_path / f"{number}.tar", info)
        with tarfile.open(tmp_path / "outer.tar", "w") as archive:
            archive.add(inner, "inner.tar")
        with pytest.raises(DataError, match=r"outer\.tar: inner\.tar holds the (path|link)"):
            [list(inner_members(outer)) for outer in members(tmp_path / "outer.tar")]


def test_an_error_of_the_caller_keeps_its_name(tmp_path: Path) -> None:
    class Full(io.RawIOBase):
        def write(self, _data: bytes) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        for member in members(_zip(tmp_path / "a.zip", {"a": CONTENT})):
            member.copy(Full())
