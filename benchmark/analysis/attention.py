"""The attention of [CLS]: its row of the attention matrix, which PyTorch's fused kernel does not return."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.backbones.rotary import rotate


def cls_attention(
    qkv: Tensor, num_heads: int, rotation: tuple[Tensor, Tensor] | None, key_bias: Tensor | None
) -> Tensor:
    """Computes one row of the attention matrix of each head; the other rows are never computed.

    Args:
        qkv: (B, T, 3 D), the output of the projection: queries, keys, values.
        num_heads: Heads H.
        rotation: Sine and cosine of rotary positions, (T, D / H) each.
        key_bias: (1, H, 1, D / H), the key of an attention bias, or None.

    Returns:
        (B, H, T), or (B, H, T + 1) with the bias token last; each row sums to 1.
    """
    queries, keys, _ = qkv.unflatten(2, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    query = queries[:, :, :1]
    if rotation is not None:
        sine, cosine = rotation
        query, keys = rotate(query, sine[:1], cosine[:1]), rotate(keys, sine, cosine)
    if key_bias is not None:
        keys = torch.cat((keys, key_bias.to(keys.dtype).expand(len(keys), -1, -1, -1)), dim=2)
    scores = query @ keys.transpose(-2, -1) / keys.shape[-1] ** 0.5
    return scores.squeeze(2).softmax(-1)


def attention_shares(attention: Tensor, num_registers: int, *, has_bias: bool) -> dict[str, Tensor]:
    """Divides the result of ``cls_attention`` by kind of token.

    Returns:
        Mean over heads, (B,) float64, of ``cls``, ``patches``, and ``registers`` and ``bias`` where there are any; they
        sum to 1.
    """
    kinds = attention.mean(1).double()
    first, end = 1 + num_registers, kinds.shape[1] - has_bias
    shares = {"cls": kinds[:, 0], "patches": kinds[:, first:end].sum(1)}
    if num_registers:
        shares["registers"] = kinds[:, 1:first].sum(1)
    if has_bias:
        shares["bias"] = kinds[:, end]
    return shares


def attention_map(attention: Tensor, num_registers: int, grid: tuple[int, int]) -> Tensor:
    """Returns the attention of [CLS] to each patch, mean over heads, relative to uniform attention, (B, h, w).

    It is 1 everywhere if all patches get the same; the attention to other tokens does not count.
    """
    first = 1 + num_registers
    patches = attention.mean(1)[:, first : first + grid[0] * grid[1]]
    return (patches / patches.mean(1, keepdim=True)).unflatten(1, grid)
