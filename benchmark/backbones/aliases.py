"""Names that public implementations of token specialisation and of attention bias use for what we call otherwise.

X.fns.0, X.fns.1 (lucidrains/vit-pytorch)                   X.cls, X.patch
blocks.i.X.cls_norm, blocks.i.X.patch_norm                  X.cls, X.patch
cls_norm beside norm, at the top                            norm.cls, norm.patch
attn.bias_k, attn.bias_v (1, 1, D), as in torch.nn          attn.k_bias, attn.v_bias (1, H, 1, D/H)
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from benchmark.backbones.state_dict import rename, substitute
from benchmark.errors import ShapeMismatchError

_ours = substitute(
    (r"\.fns\.0\.", ".cls."),
    (r"\.fns\.1\.", ".patch."),
    (r"^(blocks\..+)\.cls_norm\.", r"\1.cls."),
    (r"^(blocks\..+)\.patch_norm\.", r"\1.patch."),
    (r"\.attn\.bias_([kv])$", r".attn.\1_bias"),
)


def with_our_names(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Renames what others call differently; returns the tensors and a note if there was any.

    Raises:
        StructureError: A layer stands there under both names.
    """
    renamed = rename(state, _ours)
    if "cls_norm.weight" in renamed:
        final = substitute((r"^cls_norm\.", "norm.cls."), (r"^norm\.(weight|bias)$", r"norm.patch.\1"))
        renamed = rename(renamed, final)
    changed = sum(key not in renamed for key in state)
    return renamed, (f"read {changed} tensors of split layers or attention bias by other names",) if changed else ()


def bias_tokens_by_head(state: dict[str, Tensor], num_heads: int) -> dict[str, Tensor]:
    """Brings attention bias tokens of shape (1, 1, D) to (1, H, 1, D/H), which is how attention divides D.

    Raises:
        ShapeMismatchError: D is not a multiple of H.
    """
    shaped = dict(state)
    for key, tensor in state.items():
        if key.endswith(("attn.k_bias", "attn.v_bias")) and tensor.ndim == 3:
            if tensor.shape[:2] != (1, 1) or tensor.shape[2] % num_heads:
                raise ShapeMismatchError(
                    f"{key} is {tuple(tensor.shape)}; attention bias tokens are (1, 1, D) or (1, {num_heads}, 1, D/H)"
                )
            shaped[key] = tensor.view(1, num_heads, 1, -1)
    return shaped
