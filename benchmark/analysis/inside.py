"""Looks into the blocks of a vision transformer while it runs, by hooks on its modules; the model is left as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from benchmark.analysis.attention import cls_attention
from benchmark.backbones.vit import Block, VisionTransformer

SeeTokens = Callable[[int, str, Tensor], None]
"""Takes a block's index, a place, and the sequence there, (B, T, D)."""

SeeAttention = Callable[[int, Tensor], None]
"""Takes a block's index and the attention of [CLS], (B, heads, T or T + 1), see ``cls_attention``."""


@contextmanager
def watched(vit: VisionTransformer, tokens: SeeTokens, attention: SeeAttention) -> Iterator[None]:
    """Calls ``tokens`` at each place of each block and ``attention`` once per block, as long as the context lasts.

    What they are given is not kept: a caller that wants tokens of ten thousand images copies what it needs. Without
    LayerScale there are no places ``ls1`` and ``ls2``; nothing happens to a token there.
    """
    handles: list[Any] = []
    try:
        for index, block in enumerate(vit.blocks):
            handles += _watch_block(index, block, tokens, scaled=vit.spec.layer_scale)
            handles += _watch_attention(index, block.attn, attention)
        yield
    finally:
        for handle in handles:
            handle.remove()


def _watch_block(index: int, block: Block, see: SeeTokens, *, scaled: bool) -> Iterator[Any]:
    def watch(module: nn.Module, after: str, before: str | None = None) -> Any:
        def hook(_module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            if before is not None:
                see(index, before, given[0])
            see(index, after, output)

        return module.register_forward_hook(hook)

    yield watch(block.norm1, "norm1", before="input")
    yield watch(block.attn, "attn")
    yield watch(block.norm2, "norm2", before="residual")
    yield watch(block.mlp, "mlp")
    if scaled:
        yield watch(block.ls1, "ls1")
        yield watch(block.ls2, "ls2")
    yield watch(block, "output")


def _watch_attention(index: int, attn: nn.Module, see: SeeAttention) -> Iterator[Any]:
    """Hooks the projection, whose output holds queries and keys, and the layer, which is given the rotation."""
    projected: list[Tensor] = []

    def keep(_module: nn.Module, _given: tuple[Tensor, ...], output: Tensor) -> None:
        projected.append(output)

    def hook(_module: nn.Module, given: tuple[Any, ...], _output: Tensor) -> None:
        see(index, cls_attention(projected.pop(), attn.num_heads, given[1] if len(given) > 1 else None, attn.k_bias))

    yield attn.qkv.register_forward_hook(keep)
    yield attn.register_forward_hook(hook)
