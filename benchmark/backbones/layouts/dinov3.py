"""DINOv3 checkpoints of facebookresearch/dinov3: rotary positions, storage tokens, a masked key bias, untied norms.

Source: ``models/vision_transformer.py``, ``layers/attention.py`` and ``hub/backbones.py``. Not in the keys: the
epsilon, 1e-5 in all released models (``layernormbf16``), and the precision of the rotation. Satellite models want
another mean and standard deviation.
"""

from __future__ import annotations

import torch

from benchmark.backbones.aliases import with_our_names
from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.backbones.state_dict import (
    MASKS,
    CanonicalWeights,
    CheckpointWeights,
    drop,
    drop_empty,
    join_rows,
    rename,
    substitute,
)
from benchmark.errors import NonFiniteWeightsError, StructureError

NAME = "dinov3"
ANCHORS = ("patch_embed.proj.weight",)

_ours = substitute((r"^storage_tokens$", "register_tokens"))


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether there are storage tokens or rotary periods."""
    return "storage_tokens" in weights.state or "rope_embed.periods" in weights.state


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Renames storage tokens, folds the key mask into the bias, joins SwiGLU's two inputs, splits the untied norm.

    Raises:
        NonFiniteWeightsError: A key mask that was never loaded is NaN.
        StructureError: One of w1 and w2, or a mask, without what belongs to it.
    """
    state = rename(weights.state, _ours)
    dropped = (
        *drop(state, MASKS, "used in pre-training only"),
        *drop(state, r"head\.", "classifier"),
        *drop_empty(state, "register_tokens"),
    )
    local = drop(state, r"local_cls_norm\.", "norm of local crops, used in pre-training only")
    notes = []
    for key in [key for key in state if key.endswith(".bias_mask")]:
        mask, bias = state.pop(key), key.removesuffix("_mask")
        if bias not in state or state[bias].shape != mask.shape:
            raise StructureError(f"the checkpoint has {key!r} but no {bias!r} of its shape; they belong together")
        if not mask.isfinite().all():
            raise NonFiniteWeightsError(f"{key} holds NaN: the model was saved before its mask was set")
        state[bias] = state[bias] * mask
    if any(key.endswith(".bias_mask") for key in weights.state):
        notes.append("folded the key mask into the qkv bias")
    if "rope_embed.periods" in state and state["rope_embed.periods"].dtype == torch.bfloat16:
        notes.append(
            "periods are stored in bfloat16 and used in float32, as the hub does; a model that rotated in bfloat16 "
            "needs backbone.rope_dtype=bfloat16"
        )
    if local:
        notes.append(
            "has a norm of local crops, as the satellite models do; for those pass backbone.mean=[0.430,0.411,0.296] "
            "backbone.std=[0.213,0.156,0.143]"
        )
    join_rows(state, ("w1", "w2"), "w12")
    # Its untied norm serves [CLS] and storage tokens (forward_features_list), unlike the paper's split.
    untied = "cls_norm.weight" in state
    state, renamed = with_our_names(state)
    defaults = LayoutDefaults(norm_eps=1e-5, registers_follow="cls" if untied else "patch")
    return CanonicalWeights(state, defaults, (*dropped, *local), (*notes, *renamed))
