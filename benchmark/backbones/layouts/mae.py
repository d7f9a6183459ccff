"""MAE checkpoints of facebookresearch/mae: pre-training files with a decoder, bare encoders, fine-tuned models.

Source: ``models_mae.py``, ``models_vit.py`` and ``util/pos_embed.py``. Positions are a fixed sine table that is stored
like a learned one. The first DeiT models have the same file and are read the same way. A fine-tuned model with global
pooling has ``fc_norm`` and no ``norm``: it was trained on the mean of the patches, so on single tokens it stands in
for a norm that is not there. ViT-H has 16 heads of 80.
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
    has_plain_names,
    rename,
    substitute,
)

NAME = "mae"
ANCHORS = ("patch_embed.proj.weight",)

_ours = substitute((r"^fc_norm\.", "norm."))


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether there is a decoder, or a plain ViT wrapped in ``model``, as timm's files never are."""
    state = weights.state
    if "pos_embed" not in state or not any(re.match(r"blocks\.\d+\.attn\.qkv\.weight", key) for key in state):
        return False
    decoder = any(key.startswith("decoder_") for key in state)
    return decoder or (weights.wrapper == "model" and has_plain_names(weights))


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Drops decoder and classifier and takes ``fc_norm`` for the final norm."""
    state = dict(weights.state)
    dropped = (
        *drop(state, f"decoder_|{MASKS}", "decoder of pre-training"),
        *drop(state, r"head\.", "classifier"),
    )
    notes: tuple[str, ...] = ()
    if "fc_norm.weight" in state:
        notes = ("the final norm is fc_norm, which was trained on the mean of the patches, not on single tokens",)
    state, renamed = with_our_names(rename(state, _ours))
    defaults = LayoutDefaults(
        norm_eps=1e-6,
        position_interpolation=PositionInterpolation(0.0, antialias=False),  # util/pos_embed.py
        heads_by_width={1280: 16},
    )
    return CanonicalWeights(state, defaults, dropped, (*notes, *renamed))
