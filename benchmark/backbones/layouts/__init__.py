"""Checkpoint layouts: one module each, which knows its keys and translates them to the canonical names.

A layout module offers

    NAME                                      its own name, which records give
    ANCHORS                                   keys that every backbone of this layout has one of: what stands before
                                              them in a training file is the prefix of a backbone
    matches(weights) -> bool                  whether these keys are of this layout
    to_canonical(weights) -> CanonicalWeights

and is entered by a line in ``_ORDER``.
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType

from benchmark.backbones.state_dict import CheckpointWeights
from benchmark.errors import UnknownFormatError, UnsupportedArchitectureError

# Asked in this order; a layout may rely on those before it having said no.
_ORDER = (
    "densebench",
    "huggingface",
    "dinov3",
    "timm",
    "deit3",
    "mae",
    "dinov2",
)

LAYOUTS: tuple[ModuleType, ...] = tuple(importlib.import_module(f"{__name__}.{name}") for name in _ORDER)

ANCHORS: tuple[str, ...] = tuple(dict.fromkeys(anchor for layout in LAYOUTS for anchor in layout.ANCHORS))
"""Keys by which a backbone is recognised inside a file, whatever its layout."""

# Keys of other architectures, or of what is not a backbone at all.
_OTHERS = (
    (r"decode_head\.", "a dense head without its backbone"),
    (r".*\b(lora_A|lora_B|lora_down|lora_up)\b", "a LoRA adapter; merge it into its base model first"),
    (r".*(_packed_params|qweight|\.SCB$|weight_scale$)", "quantised weights"),
    (r"(.*\.)?blocks_token_only\.", "CaiT"),
    (r"(.*\.)?dist_token$", "a distilled DeiT, with a second class token"),
    (r"(.*\.)?blocks\.\d+\.(norm11|attn1|gamma_1_1)\b", "a ViT with parallel blocks"),
    (r"(.*\.)?patch_embed\.proj\.0\.", "a ViT with a convolutional stem"),
    (r"(.*\.)?aux_norm\b", "SepNorm"),
    (r"(.*\.)?(weight_t|weight_p)$", "SplitNorm"),
    (r"(.*\.)?jumbo_ff\b", "JumboViT"),
    (r"(.*\.)?(visual|vision_model)\.", "a CLIP- or SigLIP-like vision tower"),
    (r"(.*\.)?stages\.", "a convolutional or hierarchical network (ConvNeXt, MetaFormer, ...)"),
    (r"(.*\.)?layers\.0\.blocks\.", "Swin"),
    (r"(.*\.)?layer1\.0\.conv1\.", "ResNet"),
)
_ELSEWHERE = "other families go through hf:DIR, timm:NAME or my_file.py:build"


def detect(weights: CheckpointWeights) -> ModuleType:
    """Returns the layout module whose keys these are.

    Raises:
        UnsupportedArchitectureError: The keys name an architecture that is not read here, or a head alone.
        UnknownFormatError: No layout matches; the text shows sample keys.
    """
    state = weights.state
    for pattern, name in _OTHERS:
        key = next((key for key in state if re.match(pattern, key)), None)
        if key:
            raise UnsupportedArchitectureError(
                f"the checkpoint holds {name} (key {key!r}), not a plain ViT; {_ELSEWHERE}"
            )
    for layout in LAYOUTS:
        if layout.matches(weights):
            return layout
    if state and len(state) <= 4 and all(tensor.ndim <= 2 for tensor in state.values()):
        raise UnsupportedArchitectureError(
            f"this looks like a head-only checkpoint: all it holds is {', '.join(state)}; give the backbone's file"
        )
    sample = ", ".join(list(state)[:10]) or "no tensors at all"
    known = ", ".join(layout.NAME for layout in LAYOUTS)
    raise UnknownFormatError(f"no known checkpoint layout ({known}) has these keys: {sample}; {_ELSEWHERE}")
