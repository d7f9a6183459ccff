"""One vision transformer for every layout, with DINOv2's names and arithmetic.

The state dict is the canonical form all checkpoint layouts are translated to:

    cls_token (1, 1, D)    pos_embed (1, 1 + g*g, D)    register_tokens (1, R, D), absent if R = 0
    patch_embed.proj.{weight, bias}
    blocks.{i}.norm1, .attn.qkv, .attn.proj, .ls1.gamma, .norm2, .mlp.{fc1, fc2 | w12, w3}, .ls2.gamma
    norm.{weight, bias}
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.backbones.pos_embed import interpolate_pos_embed
from benchmark.backbones.spec import Source, ViTSpec
from benchmark.backbones.tokens import Tokens
from benchmark.errors import InputSizeError


class VisionTransformer(nn.Module):
    """A pre-norm ViT with [CLS], optional registers, LayerScale and MLP or SwiGLU blocks.

    Source: ``DinoVisionTransformer`` of facebookresearch/dinov2 ``models/vision_transformer.py``.

    Args:
        spec: The architecture.
        source: Where the weights come from; None for weights that are not read from a file.
    """

    def __init__(self, spec: ViTSpec, source: Source | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.source = source
        width = spec.embed_dim
        self.patch_embed = PatchEmbed(spec.patch_size, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + spec.grid_size**2, width))
        if spec.num_registers:
            self.register_tokens = nn.Parameter(torch.zeros(1, spec.num_registers, width))
        else:
            self.register_parameter("register_tokens", None)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.depth))
        self.norm = nn.LayerNorm(width, eps=spec.norm_eps)

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
            InputSizeError: H or W is no multiple of the patch size, or there are no three channels.
            IndexError: A layer the model does not have.
        """
        wanted = [range(self.spec.depth)[layer] for layer in layers]
        sequence, grid = self.embed(images)
        outputs: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks[: max(wanted) + 1]):
            sequence = block(sequence)
            if index in wanted:
                outputs[index] = self.norm(sequence) if norm else sequence
        first_patch = 1 + self.spec.num_registers
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
        sequence = sequence + interpolate_pos_embed(self.pos_embed, grid, self.spec.position_interpolation)
        if self.register_tokens is not None:
            registers = self.register_tokens.expand(batch, -1, -1)
            sequence = torch.cat((sequence[:, :1], registers, sequence[:, 1:]), dim=1)
        return sequence, grid


class PatchEmbed(nn.Module):
    """Cuts images into patches and projects each to a token."""

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """Maps (B, 3, H, W) to (B, N, D), row by row."""
        return self.proj(images).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """``x + ls1(attn(norm1(x)))``, then ``x + ls2(mlp(norm2(x)))``."""

    def __init__(self, spec: ViTSpec) -> None:
        super().__init__()
        width = spec.embed_dim
        self.norm1 = nn.LayerNorm(width, eps=spec.norm_eps)
        self.attn = Attention(width, spec.num_heads, qkv_bias=spec.qkv_bias)
        self.ls1 = LayerScale(width) if spec.layer_scale else nn.Identity()
        self.norm2 = nn.LayerNorm(width, eps=spec.norm_eps)
        self.mlp = (Mlp if spec.ffn == "mlp" else SwiGLU)(width, spec.ffn_dim)
        self.ls2 = LayerScale(width) if spec.layer_scale else nn.Identity()

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        sequence = sequence + self.ls1(self.attn(self.norm1(sequence)))
        return sequence + self.ls2(self.mlp(self.norm2(sequence)))


class Attention(nn.Module):
    """Multi-head self-attention; the rows of ``qkv`` are all queries, all keys, all values."""

    def __init__(self, width: int, num_heads: int, *, qkv_bias: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        qkv = self.qkv(sequence).unflatten(2, (3, self.num_heads, -1))
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(queries, keys, values)
        return self.proj(attended.transpose(1, 2).flatten(2))


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
