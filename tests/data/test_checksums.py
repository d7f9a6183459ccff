"""Checksums of archives."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from benchmark.data import checksums
from benchmark.data.checksums import CHECKSUMS, Checksum, check_archive
from benchmark.errors import DataError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A file that goes by the name of an official archive."""
    path = tmp_path / "VOCtrainval_11-May-2012.tar"
    path.write_bytes(b"content")
    return path


def test_another_checksum_than_the_official_one_is_refused_unless_told_otherwise(archive: Path) -> None:
    with pytest.raises(DataError, match=r"expected 6cd6e144f989b92b3379bac3b3de84fd \(torchvision.*--skip-checksum"):
        check_archive("voc2012", archive)
    assert "used all the same" in check_archive("voc2012", archive, ignore=True)


def test_the_official_checksum_is_accepted(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Checksum("md5", hashlib.md5(b"content", usedforsecurity=False).hexdigest(), "somebody")
    monkeypatch.setitem(checksums.CHECKSUMS, ("voc2012", archive.name), known)
    assert check_archive("voc2012", archive).endswith("as somebody says")


def test_an_unknown_archive_gets_its_checksum_printed(archive: Path) -> None:
    digest = hashlib.sha256(b"content").hexdigest()
    assert check_archive("kitti", archive) == f"{archive.name}: sha256 {digest} (no official checksum is known)"


def test_every_known_checksum_has_the_length_of_its_algorithm_and_a_source() -> None:
    for known in CHECKSUMS.values():
        assert len(bytes.fromhex(known.digest)) == hashlib.new(known.algorithm, usedforsecurity=False).digest_size
        assert known.source
