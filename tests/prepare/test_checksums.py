"""Checksums of archives."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.data.recipe import Checksum
from benchmark.data.registry import DATASETS
from benchmark.errors import DataError
from benchmark.prepare.checksums import check_archive

VOC = DATASETS["voc2012"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A file that goes by the name of an official archive."""
    path = tmp_path / "VOCtrainval_11-May-2012.tar"
    path.write_bytes(b"content")
    return path


def test_another_checksum_than_the_official_one_is_refused_unless_told_otherwise(archive: Path) -> None:
    with pytest.raises(DataError, match=r"expected 6cd6e144f989b92b3379bac3b3de84fd \(torchvision.*--skip-checksum"):
        check_archive(VOC, archive)
    assert "used all the same" in check_archive(VOC, archive, ignore=True)


def test_the_official_checksum_is_accepted(archive: Path) -> None:
    known = Checksum("md5", hashlib.md5(b"content", usedforsecurity=False).hexdigest(), "somebody")
    assert check_archive(replace(VOC, checksums={archive.name: known}), archive).endswith("as somebody says")


def test_an_unknown_archive_gets_its_checksum_printed(archive: Path) -> None:
    digest = hashlib.sha256(b"content").hexdigest()
    assert (
        check_archive(DATASETS["kitti"], archive) == f"{archive.name}: sha256 {digest} (no official checksum is known)"
    )


def test_every_known_checksum_has_the_length_of_its_algorithm_and_a_source() -> None:
    for known in (each for dataset in DATASETS.values() for each in dataset.checksums.values()):
        assert len(bytes.fromhex(known.digest)) == hashlib.new(known.algorithm, usedforsecurity=False).digest_size
        assert known.source
