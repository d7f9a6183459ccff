"""What stored features are of: everything their values depend on, and the hash of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

VERSION = 1
"""Raised whenever a change of code changes the features of an address, or how they are laid out in files."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Two sets of features are the same exactly when every field agrees."""

    checkpoint_sha256: str
    """Hash of the weights."""

    spec: Mapping[str, Any]
    """Architecture and normalisation as they run: ``asdict(backbone.spec)``."""

    images: str
    """Fingerprint of names and contents of the image files, in their order."""

    count: int
    """How many images that is."""

    view: Mapping[str, Any]
    """How an image becomes the backbone's input: sizes, filter, and the seed of whatever is drawn."""

    norm: bool
    """Whether the final LayerNorm is applied."""

    precision: str
    """Arithmetic of the backbone: float32, bfloat16 or float16."""

    dtype: str
    """Number format of the stored features: float32, float16 or bfloat16."""

    def as_json(self) -> dict[str, Any]:
        """Returns the fields as JSON has them: tuples as lists."""
        return json.loads(_text(asdict(self)))

    @property
    def key(self) -> str:
        """Hash of all fields, 32 hexadecimal digits."""
        return _digest([VERSION, asdict(self)])


def columns_key(columns: Iterable[str]) -> str:
    """Returns the hash of a set of column names, 32 hexadecimal digits."""
    return _digest(sorted(columns))


def _digest(value: Any) -> str:
    return hashlib.sha256(_text(value).encode()).hexdigest()[:32]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
