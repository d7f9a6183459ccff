"""An encoder that needs no backbone, and an address that needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.errors import DataError
from benchmark.features import plan
from benchmark.features.address import Address
from benchmark.features.feature_set import FeatureSet
from benchmark.features.filling import Encoded
from benchmark.features.store import FeatureStore

SHAPES = {"cls.1": (3,), "patches.1": (4, 3)}


class FakeEncoder:
    """Says of image i: [CLS] i + 0.5, patches -i; counts calls and images."""

    def __init__(self, bad: Sequence[int] = (), columns: Sequence[str] = tuple(SHAPES)) -> None:
        self.bad, self.columns = bad, columns
        self.calls = 0
        self.images: list[int] = []

    def __call__(self, indices: Sequence[int]) -> Iterator[Encoded]:
        """Yields what a store asks for."""
        self.calls += 1
        for index in indices:
            self.images.append(index)
            if index in self.bad:
                yield index, DataError(f"photos/{index}.jpg cannot be read: truncated")
            else:
                values = {"cls.1": torch.full((3,), index + 0.5), "patches.1": torch.full((4, 3), -float(index))}
                yield index, {name: values[name] for name in self.columns}


def _address(**changes: Any) -> Address:
    fields = {
        "checkpoint_sha256": "a" * 64,
        "spec": {"depth": 2, "preprocessing": {"mean": (0.5, 0.5, 0.5)}},
        "images": "f" * 16,
        "count": 10,
        "view": {"resize": 256, "crop": 224, "filter": "bicubic"},
        "norm": True,
        "precision": "float32",
        "dtype": "float32",
    }
    return Address(**{**fields, **changes})


@pytest.fixture(autouse=True)
def three_images_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SHARD_IMAGES", 3)


@pytest.fixture
def fake() -> type[FakeEncoder]:
    return FakeEncoder


@pytest.fixture
def address() -> Callable[..., Address]:
    """Returns a function that makes an address, with the changes it is given."""
    return _address


@pytest.fixture
def shapes() -> dict[str, tuple[int, ...]]:
    return SHAPES


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., FeatureSet]:
    """Returns `FeatureStore.get` with the arguments that a test does not care about filled in."""

    def ask(
        encode: Callable | None = None, at: Address | None = None, columns: Sequence[str] = tuple(SHAPES), **more: Any
    ) -> FeatureSet:
        given = {"make": SHAPES, "label": "train", "note": {"model": "vit", "data": "photos train"}, **more}
        return FeatureStore(tmp_path / "store").get(at or _address(), columns, encode or FakeEncoder(), **given)

    return ask
