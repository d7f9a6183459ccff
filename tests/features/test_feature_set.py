"""Stored features are read from the disk as they are needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.errors import RecordError
from benchmark.features.feature_set import FeatureSet
from benchmark.features.manifest import read_manifest


def _resident_bytes() -> int:
    """Memory of this process that is backed by a file or not, without what is only mapped."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_every_number_format_comes_back_as_it_is_stored(get: Callable, address: Callable, dtype: str) -> None:
    features = get(at=address(dtype=dtype))
    assert features.read("cls.1").dtype == getattr(torch, dtype) == features.dtype
    assert torch.equal(features.read("cls.1").float()[:, 0], torch.arange(10) + 0.5)


@pytest.mark.parametrize(
    "rows", [slice(None), slice(2, 8), slice(None, None, 3), [9, 0, 4, 4], [], torch.tensor([3, 1])], ids=str
)
def test_rows_come_in_the_order_they_are_asked_for(get: Callable, rows: object) -> None:
    assert torch.equal(get().read("cls.1", rows)[:, 0], (torch.arange(10) + 0.5)[rows])


@pytest.mark.parametrize("rows", [[10], [-1]])
def test_a_row_that_does_not_exist_is_an_error(get: Callable, rows: list[int]) -> None:
    with pytest.raises(IndexError, match="not all among 10"):
        get().read("cls.1", rows)


def test_a_column_that_does_not_exist_is_an_error(get: Callable) -> None:
    with pytest.raises(KeyError, match=r"no column 'mean\.1', only cls\.1, patches\.1"):
        get().read("mean.1")


def test_shards_are_mapped_and_take_memory_only_when_they_are_read(get: Callable, address: Callable) -> None:
    values = 2_000_000  # 8 MB an image
    features = get(
        lambda indices: ((index, {"wide": torch.full((values,), float(index))}) for index in indices),
        address(count=6),
        columns=["wide"],
        make={"wide": (values,)},
    )
    before = _resident_bytes()
    shards = features.shards("wide")
    assert sum(len(shard) for shard in shards) == 6
    assert _resident_bytes() - before < 8_000_000
    assert features.read("wide", [5])[0, -1] == 5
    assert _resident_bytes() - before < 40_000_000


def test_features_in_use_outlive_their_files(get: Callable) -> None:
    features = get()
    shutil.rmtree(features.folder)
    assert features.read("cls.1", [9])[0, 0] == 9.5


def test_a_missing_shard_is_named(get: Callable) -> None:
    folder = get().folder
    (folder / "00002.safetensors").unlink()
    with pytest.raises(RecordError, match=r"00002\.safetensors cannot be read"):
        FeatureSet(folder, read_manifest(folder))
