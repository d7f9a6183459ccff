"""DeiT-III checkpoints of facebookresearch/deit: ``gamma_1``, ``gamma_2`` or no LayerScale, no position for [CLS].

Source: ``models_v2.py`` (``vit_models`` with ``Layer_scale_init_Block``): positions are added to the patches before
[CLS] joins, which is a zero row here. ViT-H has 16 heads of 80. RoPE-ViTs with learned positions beside the rotary
ones have the same tensors.
"""

from __future__ import annotations

from benchmark.backbones.aliases import with_our_names
from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.backbones.layouts.timm import refuse_by_name
from benchmark.backbones.pos_embed import has_cls_row, with_cls_row
from benchmark.backbones.spec import PositionInterpolation
from benchmark.backbones.state_dict import (
    CanonicalWeights,
    CheckpointWeights,
    drop,
    has_plain_names,
    rename,
    substitute,
)

NAME = "deit3"
ANCHORS = ("patch_embed.proj.weight",)

_ours = substitute((r"\.gamma_([12])$", r".ls\1.gamma"))


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether LayerScale is called ``gamma_1`` and positions are learned, or it is DeiT's file without one."""
    state = weights.state
    if "pos_embed" not in state:
        return False
    decoder = any(key.startswith("decoder_") for key in state)  # of MAE, which has a row for [CLS]
    plain = weights.wrapper == "model" and not decoder and not has_cls_row(state["pos_embed"], weights.grid)
    return plain or any(key.endswith(".gamma_1") for key in state)


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Renames LayerScale, gives [CLS] a zero position and drops the classifier.

    Raises:
        StructureError: Positions of one of two grids.
        UnsupportedArchitectureError: The arguments of training name RoPE-ViT.
    """
    refuse_by_name(weights)
    state = rename(weights.state, _ours)
    dropped = drop(state, r"head\.", "classifier")
    plain = "cls_token" in state and has_plain_names(weights)
    state["pos_embed"], notes = with_cls_row(state["pos_embed"], weights.grid, plain=plain)
    if any(key.endswith(".gamma_1") for key in weights.state):
        notes += (
            "RoPE-ViTs with learned positions (vit_*_rope_ape_* of timm) have the same names; such a file is not read "
            "here and goes through timm:NAME@FILE",
        )
    state, renamed = with_our_names(state)
    defaults = LayoutDefaults(
        norm_eps=1e-6,
        position_interpolation=PositionInterpolation(0.0, antialias=False),  # main.py, --finetune
        heads_by_width={1280: 16},
    )
    return CanonicalWeights(state, defaults, dropped, (*notes, *renamed))
