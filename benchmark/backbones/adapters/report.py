"""What an adapter reports of the model it made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AdapterReport:
    """Beside the model; see ``Source``."""

    assumed: tuple[str, ...] = ()
    """Of ``mean`` and ``std``, those that were assumed."""

    dropped: tuple[tuple[str, str], ...] = ()
    """(key, reason) of tensors that were left out."""

    notes: tuple[str, ...] = ()
    """What a reader should know."""

    files: tuple[Path, ...] = ()
    """Files beside the weights that say how to compute with them; they count for the hash."""
