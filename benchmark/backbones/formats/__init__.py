"""Checkpoint layouts: one module each, which knows its keys and translates them to the canonical names.

A layout module offers

    NAME                            what the record calls it
    matches(state) -> bool          whether these keys are of this layout
    to_canonical(state) -> Canonical
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from torch import Tensor

from benchmark.backbones.formats import dinov2
from benchmark.errors import UnknownFormatError, UnsupportedArchitectureError

LAYOUTS: tuple[ModuleType, ...] = (dinov2,)

# Keys that give away an architecture which is no plain ViT, or no backbone at all.
_OTHERS = {
    "decode_head.": "a dense head without its backbone",
    "blocks_token_only.": "CaiT",
    "patch_embed.proj.0.": "a ViT with a convolutional stem",
    "stages.": "a convolutional or hierarchical network (ConvNeXt, MetaFormer, ...)",
    "layers.0.blocks.": "Swin",
    "layer1.0.conv1.": "ResNet",
}


def detect(state: Mapping[str, Tensor]) -> ModuleType:
    """Returns the layout module whose keys these are.

    Raises:
        UnsupportedArchitectureError: The keys name an architecture that is not read here.
        UnknownFormatError: No layout matches; the text shows sample keys.
    """
    for prefix, name in _OTHERS.items():
        if any(key.startswith(prefix) for key in state):
            raise UnsupportedArchitectureError(f"the checkpoint holds {name} (key prefix {prefix!r}), not a plain ViT")
    for layout in LAYOUTS:
        if layout.matches(state):
            return layout
    sample = ", ".join(list(state)[:10]) or "no tensors at all"
    known = ", ".join(layout.NAME for layout in LAYOUTS)
    raise UnknownFormatError(f"no known checkpoint layout ({known}) has these keys: {sample}")
