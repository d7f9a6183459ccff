"""DINOv2 checkpoints: hub files, raw training files, chunked blocks, with and without registers, and specialised ones.

Source: facebookresearch/dinov2, ``models/vision_transformer.py`` and ``hub/backbones.py``. The canonical names are
DINOv2's own, so little is translated: the mask token of training is dropped, the chunk number of FSDP training files
(``blocks.{chunk}.{block}``, where the block index is global already) is cut out, and the names that others gave to
split layers and attention bias tokens are replaced by ours.
"""

from __future__ import annotations

import re

from benchmark.backbones.aliases import with_our_names
from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.backbones.spec import PositionInterpolation
from benchmark.backbones.state_dict import (
    MASKS,
    CanonicalWeights,
    CheckpointWeights,
    drop,
    drop_empty,
    rename,
    substitute,
)

NAME = "dinov2"
ANCHORS = ("patch_embed.proj.weight",)

_without_chunks = substitute((r"^blocks\.\d+\.(\d+\.)", r"blocks.\1"))


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether the keys are DINOv2's: a patch projection and numbered blocks with a joint qkv."""
    state = weights.state
    return "patch_embed.proj.weight" in state and any(re.match(r"blocks\.(\d+\.)+attn\.qkv\.", key) for key in state)


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Drops the mask token, flattens chunked blocks and takes our names for split layers.

    Raises:
        StructureError: Two chunks hold the same block.
    """
    state = dict(weights.state)
    dropped = (
        *drop(state, MASKS, "used in pre-training only"),
        *drop(state, r"head\.", "classifier"),
        *drop(state, "probe_layer_mask$", "of a probe, not of the backbone"),  # MedARC-AI/nanopath
        *drop_empty(state, "register_tokens"),
    )
    state, notes = with_our_names(rename(state, _without_chunks))
    masked = any(re.match(MASKS, name) for name in (*weights.state, *weights.sibling_keys))
    if not masked and "register_tokens" not in state:
        notes += (
            "has no mask token, so it may be timm's, whose names are the same; positions are interpolated as in "
            "DINOv2. For timm's rule pass backbone.interpolate_offset=0 backbone.interpolate_antialias=true",
        )
    return CanonicalWeights(state, _defaults(registers="register_tokens" in state), dropped, notes)


def _defaults(*, registers: bool) -> LayoutDefaults:
    # hub/backbones.py: the register models were trained with antialiasing and without the 0.1 offset.
    rule = PositionInterpolation(0.0, antialias=True) if registers else PositionInterpolation(0.1, antialias=False)
    return LayoutDefaults(norm_eps=1e-6, position_interpolation=rule)
