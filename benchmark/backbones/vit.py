"""One vision transformer for every layout, with DINOv2's names and arithmetic.

The state dict is the canonical form all checkpoint layouts are translated to:

    cls_token (1, 1, D)    register_tokens (1, R, D), absent if R = 0
    pos_embed (1, 1 + rows * columns, D)  or  rope_embed.periods (d / 4,)
    patch_embed.proj.{weight, bias}
    blocks.{i}.norm1, .attn.qkv, .attn.proj, .ls1.gamma, .norm2, .mlp.{fc1, fc2 | w12, w3}, .ls2.gamma
    norm.{weight, bias}

A layer that is split has ``.cls.`` and ``.patch.`` after its name (``blocks.0.norm1.cls.weight``), a low-rank qkv has
``attn.qkv.{lora_a, lora_b}`` beside its shared weights, and attention bias tokens are ``attn.{k_bias, v_bias}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones.drop_path import DropPath
from benchmark.backbones.pos_embed import interpolate_pos_embed
from benchmark.backbones.rotary import RotaryEmbedding, rotate
from benchmark.backbones.spec import SPEC_KEY, Source, ViTSpec, kept_spec
from benchmark.backbones.specialized import LowRankLinear, SpecializedProduct, SpecializedScale
from benchmark.backbones.tokens import Tokens
from benchmark.errors import InputSizeError


class VisionTransformer(nn.Module):
    """A pre-norm ViT with [CLS], optional registers, LayerScale, attention bias and layers split by token kind.

    It is a plain module and trains like one; ``initialize_weights`` prepares it. Its state dict carries the spec in its
    metadata, so that a file of it is read back without a question.

    Source: ``DinoVisionTransformer`` of facebookresearch/dinov2 and facebookresearch/dinov3, both
    ``models/vision_transformer.py``.

    Args:
        spec: The architecture.
        source: Where the weights come from; None for weights that are not read from a file.
        drop_path: Share of residual branches dropped per image in training, the same in every block.
    """

    def __init__(self, spec: ViTSpec, source: Source | None = None, *, drop_path: float = 0.0) -> None:
        super().__init__()
        self.spec = spec
        self.source = source
        width = spec.embed_dim
        self.patch_embed = PatchEmbed(spec.patch_size, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        if spec.rope_dtype is None:
            self.pos_embed = nn.Parameter(torch.zeros(1, 1 + math.prod(spec.grid), width))
            self.rope_embed = None
        else:
            self.register_parameter("pos_embed", None)
            self.rope_embed = RotaryEmbedding(spec.head_width, getattr(torch, spec.rope_dtype))
        if spec.num_registers:
            self.register_tokens = nn.Parameter(torch.zeros(1, spec.num_registers, width))
        else:
            self.register_parameter("register_tokens", None)
        self.blocks = nn.ModuleList(Block(spec, index, drop_path) for index in range(spec.depth))
        self.norm = _split_scale(spec.split.final_norm, spec, lambda: nn.LayerNorm(width, eps=spec.norm_eps))
        self.register_state_dict_post_hook(_carry_spec)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the normalised [CLS] token (B, D) of the last block."""
        [tokens] = self.tokens(images)
        return tokens.cls

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Runs the blocks up to the last layer asked for.

        Args:
            images: (B, 3, H, W), float, normalised with ``spec.preprocessing``; H and W multiples of the patch.
            layers: Block indices counted from 0, negatives from the end; results come in this order.
            norm: Whether the final LayerNorm is applied to each.

        Raises:
            InputSizeError: H or W is not a multiple of the patch size, or there are no three channels.
            IndexError: A layer the model does not have.
        """
        wanted = [range(self.spec.depth)[layer] for layer in layers]
        first_patch = 1 + self.spec.num_registers
        sequence, grid = self.embed(images)
        rotation = None if self.rope_embed is None else self.rope_embed(grid, first_patch)
        outputs: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks[: max(wanted) + 1]):
            sequence = block(sequence, rotation)
            if index in wanted:
                outputs[index] = self.norm(sequence) if norm else sequence
        return [
            Tokens(
                cls=outputs[index][:, 0],
                registers=outputs[index][:, 1:first_patch],
                patches=outputs[index][:, first_patch:],
                grid=grid,
            )
            for index in wanted
        ]

    def embed(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Returns the sequence ([CLS], registers, patches) before the first block, and the patch grid.

        Registers join after the position embedding is added: they have no position.
        """
        patch = self.spec.patch_size
        batch, channels, height, width = images.shape
        if channels != 3 or height % patch or width % patch or not height or not width:
            raise InputSizeError(
                f"images must be (B, 3, H, W) with H and W multiples of the patch size {patch}; received "
                f"{tuple(images.shape)}. Pad them, for instance with benchmark.backbones.center_pad"
            )
        grid = (height // patch, width // patch)
        sequence = torch.cat((self.cls_token.expand(batch, -1, -1), self.patch_embed(images)), dim=1)
        if self.pos_embed is not None:
            rule = self.spec.position_interpolation
            sequence = sequence + interpolate_pos_embed(self.pos_embed, grid, rule, stored=self.spec.grid)
        if self.register_tokens is not None:
            registers = self.register_tokens.expand(batch, -1, -1)
            sequence = torch.cat((sequence[:, :1], registers, sequence[:, 1:]), dim=1)
        return sequence, grid


def _carry_spec(module: nn.Module, state: dict[str, Tensor], prefix: str, metadata: dict[str, Any]) -> None:
    """Puts the spec beside the module's version, where PyTorch keeps metadata of a state dict."""
    metadata[SPEC_KEY] = kept_spec(module.spec, module.source)


class PatchEmbed(nn.Module):
    """Cuts images into patches and projects each to a token."""

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """Maps (B, 3, H, W) to (B, N, D), row by row."""
        return self.proj(images).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """``x + ls1(attn(norm1(x)))``, then ``x + ls2(mlp(norm2(x)))``; each layer shared or split."""

    def __init__(self, spec: ViTSpec, index: int, drop_path: float) -> None:
        super().__init__()
        width = spec.embed_dim

        def norm() -> nn.Module:
            return nn.LayerNorm(width, eps=spec.norm_eps)

        def scale() -> nn.Module:
            return LayerScale(width) if spec.layer_scale else nn.Identity()

        def mlp() -> nn.Module:
            return (Mlp if spec.ffn == "mlp" else SwiGLU)(width, spec.ffn_dim)

        self.norm1 = _split_scale(index in spec.split.norm1, spec, norm)
        self.attn = Attention(spec, index)
        self.ls1 = _split_scale(index in spec.split.ls1, spec, scale)
        self.norm2 = _split_scale(index in spec.split.norm2, spec, norm)
        self.mlp = _split_product(index in spec.split.mlp, spec, mlp)
        self.ls2 = _split_scale(index in spec.split.ls2, spec, scale)
        self.drop_path = DropPath(drop_path)

    def forward(self, sequence: Tensor, rotation: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Maps (B, T, D) to (B, T, D); ``rotation`` is what ``RotaryEmbedding`` makes."""
        sequence = sequence + self.drop_path(self.ls1(self.attn(self.norm1(sequence), rotation)))
        return sequence + self.drop_path(self.ls2(self.mlp(self.norm2(sequence))))


class Attention(nn.Module):
    """Multi-head self-attention; the rows of ``qkv`` are all queries, all keys, all values.

    With an attention bias, one learned key and value per head join the sequence (arXiv 2502.06415); they pass through
    no projection and are not rotated. The softmax does not depend on where they stand.
    """

    def __init__(self, spec: ViTSpec, index: int) -> None:
        super().__init__()
        width = spec.embed_dim
        self.num_heads = spec.num_heads

        def qkv() -> nn.Module:
            return nn.Linear(width, 3 * width, bias=spec.qkv_bias)

        if index in spec.split.qkv_lora:
            self.qkv = LowRankLinear(
                width, 3 * width, bias=spec.qkv_bias, rank=spec.split.lora_rank, group=spec.cls_group
            )
        else:
            self.qkv = _split_product(index in spec.split.qkv, spec, qkv)
        self.proj = _split_product(index in spec.split.proj, spec, lambda: nn.Linear(width, width))
        if spec.attention_bias:
            self.k_bias = nn.Parameter(torch.zeros(1, spec.num_heads, 1, spec.head_width))
            self.v_bias = nn.Parameter(torch.zeros(1, spec.num_heads, 1, spec.head_width))
        else:
            self.register_parameter("k_bias", None)
            self.register_parameter("v_bias", None)

    def forward(self, sequence: Tensor, rotation: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        qkv = self.qkv(sequence).unflatten(2, (3, self.num_heads, -1))
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4)
        if rotation is not None:
            queries, keys = rotate(queries, *rotation), rotate(keys, *rotation)
        if self.k_bias is not None:
            batch = len(sequence)
            keys = torch.cat((self.k_bias.to(keys.dtype).expand(batch, -1, -1, -1), keys), dim=2)
            values = torch.cat((self.v_bias.to(values.dtype).expand(batch, -1, -1, -1), values), dim=2)
        attended = F.scaled_dot_product_attention(queries, keys, values)
        return self.proj(attended.transpose(1, 2).flatten(2))


def _split_scale(split: bool, spec: ViTSpec, make: Callable[[], nn.Module]) -> nn.Module:
    return SpecializedScale(make(), make(), spec.cls_group) if split else make()


def _split_product(split: bool, spec: ViTSpec, make: Callable[[], nn.Module]) -> nn.Module:
    return SpecializedProduct(make(), make(), spec.cls_group) if split else make()


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        return self.fc2(F.gelu(self.fc1(sequence)))


class SwiGLU(nn.Module):
    """``w3(silu(a) * b)`` with ``a, b`` the halves of ``w12(x)`` (facebookresearch/dinov2 ``layers/swiglu_ffn.py``)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.w12 = nn.Linear(width, 2 * hidden)
        self.w3 = nn.Linear(hidden, width)

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        gate, value = self.w12(sequence).chunk(2, dim=-1)
        return self.w3(F.silu(gate) * value)


class LayerScale(nn.Module):
    """One learned factor per channel of a residual branch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        return sequence * self.gamma
