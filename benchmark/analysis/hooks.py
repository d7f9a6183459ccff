"""Forward hooks that show the tokens and the attention inside of the blocks of a vision transformer while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from benchmark.analysis.attention import cls_attention
from benchmark.backbones.vit import Block, VisionTransformer

OnTokens = Callable[[int, str, Tensor], None]
"""Takes a block's index, one of its ``BLOCK_POINTS``, and the sequence there, (B, T, D)."""

OnAttention = Callable[[int, Tensor], None]
"""Takes a block's index and the attention of [CLS], (B, heads, T or T + 1), see ``cls_attention``."""


@contextmanager
def hooked(vit: VisionTransformer, on_tokens: OnTokens, on_attention: OnAttention) -> Iterator[None]:
    """Calls ``on_tokens`` at each point of each block and ``on_attention`` once per block, within the context.

    Nothing is stored here: a caller that wants tokens of ten thousand images copies what it needs. Without LayerScale
    there are no points ``ls1`` and ``ls2``. The model is left as it was.
    """
    handles: list[Any] = []
    try:
        for index, block in enumerate(vit.blocks):
            handles += _hook_tokens(index, block, on_tokens, scaled=vit.spec.layer_scale)
            handles += _hook_attention(index, block.attn, on_attention)
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook_tokens(index: int, block: Block, on_tokens: OnTokens, *, scaled: bool) -> Iterator[Any]:
    def hook_layer(layer: nn.Module, after: str, before: str | None = None) -> Any:
        def hook(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if before is not None:
                on_tokens(index, before, inputs[0])
            on_tokens(index, after, output)

        return layer.register_forward_hook(hook)

    yield hook_layer(block.norm1, "norm1", before="input")
    yield hook_layer(block.attn, "attn")
    yield hook_layer(block.norm2, "norm2", before="residual")
    yield hook_layer(block.mlp, "mlp")
    if scaled:
        yield hook_layer(block.ls1, "ls1")
        yield hook_layer(block.ls2, "ls2")
    yield hook_layer(block, "output")


def _hook_attention(index: int, attn: nn.Module, on_attention: OnAttention) -> Iterator[Any]:
    """Hooks the projection, whose output holds queries and keys, and the layer, whose inputs hold the rotation."""
    projected: list[Tensor] = []

    def keep_qkv(_layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        projected.append(output)

    def hook(_layer: nn.Module, inputs: tuple[Any, ...], _output: Tensor) -> None:
        rotation = inputs[1] if len(inputs) > 1 else None
        on_attention(index, cls_attention(projected.pop(), attn.num_heads, rotation, attn.k_bias))

    yield attn.qkv.register_forward_hook(keep_qkv)
    yield attn.register_forward_hook(hook)
