"""Backbones by name: sizes and specialisations of ``configs/backbones/``."""

from __future__ import annotations

from typing import Literal

import torch

from benchmark.backbones.initialization import initialize_weights
from benchmark.backbones.spec import PositionInterpolation, ViTSpec, vit_name
from benchmark.backbones.specialization import NORMS, Specialization, parse_blocks
from benchmark.backbones.vit import VisionTransformer
from benchmark.configs import backbone_presets
from benchmark.errors import UsageError, did_you_mean

# The register models of DINOv2 interpolate without its 0.1 (hub/backbones.py).
_PLAIN, _WITH_REGISTERS = PositionInterpolation(0.1, antialias=False), PositionInterpolation(0.0, antialias=True)


def specialization_preset(name: str, *, depth: int, layer_scale: bool = True) -> Specialization:
    """Looks a specialisation up and fits it to a model.

    Args:
        name: A key of ``configs/backbones/specializations.py``.
        depth: Blocks of the model.
        layer_scale: Whether it has LayerScale to split.

    Raises:
        UsageError: No such preset, or one that names blocks the model does not have.
    """
    fields = dict(_known("specializations", name))
    norms = fields.pop("norms", "none")
    rank = fields.pop("lora_rank", 0)
    try:
        blocks = {layer: parse_blocks(text, depth) for layer, text in fields.items()}
        shared = parse_blocks(norms, depth)
    except ValueError as error:
        raise UsageError(f"specialisation {name!r} does not fit a model of {depth} blocks: {error}") from error
    split = {layer: shared for layer in NORMS if layer_scale or layer.startswith("norm")}
    return Specialization(**split, **blocks, lora_rank=rank)


def build_vit(
    size: str,
    *,
    specialization: str = "none",
    patch_size: int = 14,
    image_size: int = 224,
    num_registers: int = 0,
    attention_bias: bool = False,
    registers_follow: Literal["patch", "cls"] = "patch",
    layer_scale: float = 1e-5,
    drop_path: float = 0.0,
    seed: int | None = None,
) -> VisionTransformer:
    """Makes a ViT to train, with fresh weights and learned positions, as DINOv2 has them.

    Args:
        size: A key of ``configs/backbones/sizes.py``.
        specialization: A key of ``configs/backbones/specializations.py``.
        patch_size: Side of a patch, pixels.
        image_size: Side of the training images, pixels.
        num_registers: Register tokens.
        attention_bias: Whether a learned key and value per head join the sequence.
        registers_follow: Whose copy of a split layer the registers pass through.
        layer_scale: First value of LayerScale; 0 leaves LayerScale out.
        drop_path: Share of residual branches dropped per image in training.
        seed: Seed of the weights; None draws from PyTorch's global generator.

    Raises:
        UsageError: No such preset, or image sides that are not whole patches.
    """
    fields = _known("sizes", size)
    if image_size % patch_size:
        raise UsageError(f"images of {image_size} pixels are not whole patches of {patch_size}")
    depth = fields["depth"]
    spec = ViTSpec(
        **fields,
        arch=vit_name(fields["embed_dim"], depth, patch_size),
        patch_size=patch_size,
        grid_size=image_size // patch_size,
        num_registers=num_registers,
        attention_bias=attention_bias,
        registers_follow=registers_follow,
        layer_scale=layer_scale > 0,
        norm_eps=1e-6,
        position_interpolation=_WITH_REGISTERS if num_registers else _PLAIN,
        split=specialization_preset(specialization, depth=depth, layer_scale=layer_scale > 0),
    )
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    vit = VisionTransformer(spec, drop_path=drop_path)
    return initialize_weights(vit, layer_scale=layer_scale, generator=generator)


def _known(kind: str, name: str) -> dict[str, object]:
    presets = backbone_presets()[kind]
    if name not in presets:
        raise UsageError(f"no {kind[:-1]} {name!r}{did_you_mean(name, presets)}; known: {', '.join(presets)}")
    return presets[name]
