"""Content hashes: what is read, what is remembered, where it is kept."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from benchmark.data import manifest
from benchmark.data.manifest import BESIDE, Manifest, fingerprint, fingerprint_splits, hash_file
from benchmark.errors import DataError

LONG_AGO_NS = time.time_ns() - 3600 * 10**9


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of two files that have not been touched for an hour, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("one", "two"):
        _write(tmp_path / "data" / name, f"{name} content")
    return tmp_path / "data"


def _write(path: Path, text: str, modified_ns: int = LONG_AGO_NS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(modified_ns, modified_ns))


def _files(root: Path) -> list[Path]:
    return [root / "one", root / "two"]


def _count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    read: list[Path] = []

    def counting(path: Path) -> str:
        read.append(path)
        return hash_file(path)

    monkeypatch.setattr(manifest, "_sha256_of_data", counting)
    return read


def test_hashes_are_sha256_of_the_content_in_the_order_asked_for(root: Path) -> None:
    entries = Manifest(root).hashes([root / "two", root / "one", root / "two"])
    assert [entry.name for entry in entries] == ["two", "one", "two"]
    assert entries[1].sha256 == hashlib.sha256(b"one content").hexdigest()


def test_a_second_run_reads_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(_files(root), root)
    read = _count_reads(monkeypatch)
    assert fingerprint(_files(root), root) == before
    assert read == []


def test_an_edit_that_keeps_the_size_changes_the_fingerprint(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(_files(root), root)
    _write(root / "one", "ONE content", LONG_AGO_NS + 1)
    read = _count_reads(monkeypatch)
    assert fingerprint(_files(root), root) != before
    assert read == [root / "one"]


def test_a_file_that_has_just_been_written_is_not_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(root / "one", "one content", time.time_ns())
    fingerprint(_files(root), root)
    read = _count_reads(monkeypatch)
    fingerprint(_files(root), root)
    assert read == [root / "one"]


def test_names_contents_order_and_splits_count_and_the_place_does_not(root: Path, tmp_path: Path) -> None:
    first, second = _files(root)
    _write(tmp_path / "copy/one", "one content")
    _write(tmp_path / "copy/two", "two content")
    _write(root / "three", "one content")
    prints = [
        fingerprint([first, second], root),
        fingerprint([second, first], root),
        fingerprint([first], root),
        fingerprint([root / "three", second], root),
        fingerprint_splits({"train": [first], "val": [second]}, root),
        fingerprint_splits({"train": [first, second], "val": []}, root),
    ]
    assert len(set(prints)) == len(prints)
    assert all(len(text) == 16 for text in prints)
    assert fingerprint(_files(tmp_path / "copy"), tmp_path / "copy") == prints[0]


def test_nothing_is_written_into_the_dataset(root: Path, tmp_path: Path) -> None:
    fingerprint(_files(root), root)
    assert sorted(path.name for path in root.iterdir()) == ["one", "two"]
    assert len(list((tmp_path / "cache/densebench/manifests").iterdir())) == 1


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    before = fingerprint(_files(root), root)
    assert fingerprint(_files(root), root) == before
    known = Manifest(root)
    known.hashes(_files(root))
    assert not known.save()


def test_a_manifest_beside_the_data_travels_with_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Manifest(root)
    known.hashes(_files(root))
    assert known.save(beside=True)
    root.rename(tmp_path / "moved")
    read = _count_reads(monkeypatch)
    Manifest(tmp_path / "moved").hashes(_files(tmp_path / "moved"))
    assert read == []
    assert str(tmp_path) not in (tmp_path / "moved" / BESIDE).read_text()


@pytest.mark.parametrize(
    "text", ["", "densebench-manifest 99\tx\n", "densebench-manifest 1\t.\nabc\t1\t2\tone\n\x00\n"]
)
def test_a_damaged_manifest_is_ignored(root: Path, text: str) -> None:
    expected = fingerprint(_files(root), root)
    (root / BESIDE).write_text(text)
    assert fingerprint(_files(root), root) == expected


def test_fresh_hashes_read_what_is_known(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Manifest(root).hashes(_files(root))
    known = Manifest(root)
    known.hashes(_files(root))
    read = _count_reads(monkeypatch)
    known.hashes(_files(root), fresh=True)
    assert read == _files(root)


def test_a_missing_file_is_named(root: Path) -> None:
    with pytest.raises(DataError, match=r"data/three cannot be read: No such file"):
        fingerprint([root / "three"], root)


def test_a_file_outside_the_root_is_refused(root: Path, tmp_path: Path) -> None:
    _write(tmp_path / "elsewhere", "x")
    with pytest.raises(DataError, match="does not lie in its dataset's root"):
        fingerprint([tmp_path / "elsewhere"], root)


def test_what_was_hashed_before_a_failure_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError):
        fingerprint_splits({"train": [root / "one"], "val": [root / "three"]}, root)
    read = _count_reads(monkeypatch)
    fingerprint([root / "one"], root)
    assert read == []


def test_a_root_that_is_no_utf8_keeps_its_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / os.fsdecode(b"caf\xe9")
    place.mkdir()
    (place / "a.png").write_bytes(b"a")
    os.utime(place / "a.png", (1e9, 1e9))
    before = fingerprint([place / "a.png"], place)
    monkeypatch.setattr(manifest, "_sha256_of_data", lambda path: pytest.fail(f"{path} was read again"))
    assert fingerprint([place / "a.png"], place) == before


def test_names_that_are_no_utf8_are_hashed(root: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9"))
    _write(path, "x")
    assert fingerprint([path], root) == fingerprint([path], root)
