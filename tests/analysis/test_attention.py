"""The row of [CLS] in the attention matrix."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmark.analysis.attention import attention_map, attention_shares
from benchmark.analysis.hooks import hooked


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention_bias": True},
        {"num_registers": 3, "attention_bias": True},
        {"num_registers": 2, "rope_dtype": "float32", "grid_size": None, "position_interpolation": None},
    ],
)
def test_reproduces_what_the_layer_returns_for_cls(make_vit: Callable, changes: dict) -> None:
    """Attention times values, projected, is the layer's own output, which PyTorch's kernel computes."""
    vit = make_vit(depth=2, **changes)
    images = torch.randn(2, 3, 28, 42, generator=torch.Generator().manual_seed(0))
    rows, projected, outputs = [], [], []
    block = vit.blocks[1].attn
    hooks = [
        block.qkv.register_forward_hook(lambda _module, _inputs, output: projected.append(output)),
        block.register_forward_hook(lambda _module, _inputs, output: outputs.append(output)),
    ]
    with hooked(vit, lambda *_: None, lambda index, row: rows.append((index, row))):
        vit.tokens(images)
    for hook in hooks:
        hook.remove()
    [(_, _), (index, attention)] = rows
    values = projected[0].unflatten(2, (3, vit.spec.num_heads, -1)).permute(2, 0, 3, 1, 4)[2]
    if vit.spec.attention_bias:
        values = torch.cat((values, block.v_bias.expand(2, -1, -1, -1)), dim=2)
    attended = (attention.unsqueeze(2) @ values).squeeze(2).flatten(1)
    assert index == 1
    torch.testing.assert_close(block.proj(attended), outputs[0][:, 0], rtol=1e-5, atol=1e-5)


def test_shares_sum_to_one_by_kind() -> None:
    attention = torch.tensor([[[0.1, 0.2, 0.1, 0.3, 0.2, 0.1]]])  # [CLS], 2 registers, 2 patches, bias
    shares = attention_shares(attention, 2, has_bias=True)
    assert {kind: pytest.approx(share.item()) for kind, share in shares.items()} == {
        "cls": 0.1,
        "registers": 0.3,
        "patches": 0.5,
        "bias": 0.1,
    }
    assert set(attention_shares(attention, 0, has_bias=False)) == {"cls", "patches"}


def test_maps_are_the_patches_part_row_by_row_relative_to_uniform_attention() -> None:
    attention = torch.tensor([[[0.5, 0.1, 0.0, 0.1, 0.2, 0.1], [0.5, 0.1, 0.0, 0.1, 0.2, 0.1]]])  # [CLS], 1 register
    torch.testing.assert_close(attention_map(attention, 1, (2, 2)), torch.tensor([[[0.0, 1.0], [2.0, 1.0]]]))


def test_uniform_attention_is_one_everywhere() -> None:
    attention = torch.full((1, 2, 8), 1 / 8)
    torch.testing.assert_close(attention_map(attention, 1, (2, 3)), torch.ones(1, 2, 3))
