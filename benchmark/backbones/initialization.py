"""Random weights to train from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.backbones.specialized import LowRankLinear
from benchmark.backbones.vit import LayerScale, PatchEmbed, VisionTransformer

_STD = 0.02
# DINOv2 draws [CLS] and registers from N(0, 1e-6), nearly zero (models/vision_transformer.py, init_weights).
_TOKEN_STD = 1e-6


def initialize_weights(
    vit: VisionTransformer, *, layer_scale: float = 1e-5, generator: torch.Generator | None = None
) -> VisionTransformer:
    """Draws all weights anew, as DINOv2 does.

    Source: facebookresearch/dinov2 ``models/vision_transformer.py``; attention bias tokens after
    an-yongqi/systematic-outliers, N(0, 0.02). The halves of a split product are drawn apart, as the paper's models are
    trained from scratch.

    Args:
        vit: Model to fill, in place.
        layer_scale: First value of every LayerScale: 1e-5 in DINOv2, 1e-4 in DeiT-III.
        generator: Source of randomness.

    Returns:
        The same model.
    """
    for module in vit.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=_STD, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, LowRankLinear):
            module.lora_a.data = draw_lora(module.lora_a.shape, generator)
            nn.init.zeros_(module.lora_b)
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()
        elif isinstance(module, LayerScale):
            nn.init.constant_(module.gamma, layer_scale)
        elif isinstance(module, PatchEmbed):  # as the linear layer it is
            bound = module.proj.weight[0].numel() ** -0.5
            nn.init.uniform_(module.proj.weight, -bound, bound, generator=generator)
            nn.init.uniform_(module.proj.bias, -bound, bound, generator=generator)
    nn.init.normal_(vit.cls_token, std=_TOKEN_STD, generator=generator)
    if vit.register_tokens is not None:
        nn.init.normal_(vit.register_tokens, std=_TOKEN_STD, generator=generator)
    if vit.pos_embed is not None:
        nn.init.trunc_normal_(vit.pos_embed, std=_STD, generator=generator)
    for name, parameter in vit.named_parameters():
        if name.endswith(("attn.k_bias", "attn.v_bias")):
            nn.init.normal_(parameter, std=_STD, generator=generator)
    return vit


def draw_lora(shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
    """Draws the (rank, inputs) matrix of a low-rank addition so that its product keeps the scale of its input."""
    return torch.randn(*shape, generator=generator) / shape[1] ** 0.5
