"""What the rest of DenseBench asks of a backbone, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from benchmark.backbones.spec import BackboneSpec, Source
from benchmark.backbones.tokens import Tokens


class Backbone(Protocol):
    """Frozen: in evaluation mode, without gradients."""

    spec: BackboneSpec
    """Architecture and preprocessing."""

    source: Source | None
    """Origin of the weights."""

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Maps images (B, 3, H, W), normalised, to the tokens of each layer asked for."""
        ...
