"""A checkpoint in canonical names, as every layout module returns it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from benchmark.backbones.structure import LayoutDefaults


@dataclass(frozen=True)
class Canonical:
    """The tensors of a backbone and what its layout implies."""

    state: dict[str, Tensor]
    """Tensors by canonical name (see ``vit.py``)."""

    dropped: tuple[tuple[str, str], ...]
    """(key, reason) of each tensor left out."""

    defaults: LayoutDefaults
    """What the layout implies and no key tells."""
