"""From shared to specialised weights: both halves of a split layer begin as the layer they replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones.checkpoints import load_vit
from benchmark.backbones.cost import count_params, overhead_percent
from benchmark.backbones.initialization import draw_lora
from benchmark.backbones.presets import specialization_preset
from benchmark.backbones.saving import check_suffix, save_backbone
from benchmark.backbones.specialization import LAYERS, Specialization, parse_blocks
from benchmark.backbones.vit import VisionTransformer
from benchmark.errors import SpecialisationError, UsageError, did_you_mean


def specialize(
    vit: VisionTransformer,
    split: Specialization,
    *,
    registers_follow: Literal["patch", "cls"] | None = None,
    seed: int = 0,
) -> VisionTransformer:
    """Splits further layers of a ViT; the function it computes stays the same.

    Args:
        vit: Any ViT, split or not.
        split: Layers to split, beside those that are split already.
        registers_follow: Whose copy the registers pass through; None leaves it.
        seed: Seed of the first matrix of low-rank additions; the second is zero.

    Returns:
        A new model with the source of the old one. On the CPU its tokens equal the old one's to the last bit.

    Raises:
        SpecialisationError: A LayerScale that is not there, a block with both a split and a low-rank qkv, low-rank
            additions of two ranks, or registers moved to the other copy of layers that are split already.
    """
    spec = vit.spec
    if registers_follow not in (None, spec.registers_follow) and spec.split and spec.num_registers:
        raise SpecialisationError(
            f"the model is split already ({spec.specialization}) and its registers follow {spec.registers_follow}"
        )
    try:
        changed = replace(
            spec, split=spec.split.union(split), registers_follow=registers_follow or spec.registers_follow
        )
    except ValueError as error:
        raise SpecialisationError(str(error)) from error
    with torch.device("meta"):
        specialized = VisionTransformer(changed, vit.source)
    generator = torch.Generator().manual_seed(seed)
    old = vit.state_dict()
    state = {key: _initial(key, wanted, old, generator).clone() for key, wanted in specialized.state_dict().items()}
    specialized.load_state_dict(state, assign=True)
    return specialized.train(vit.training)


def specialize_file(
    source: Path,
    target: Path,
    options: BackboneOptions,
    *,
    preset: str | None = None,
    layers: Mapping[str, str] | None = None,
    lora_rank: int | None = None,
    registers_follow: Literal["patch", "cls"] | None = None,
    seed: int = 0,
) -> str:
    """Reads a checkpoint, splits layers, proves that the function is the same, and writes the result.

    Args:
        source: Checkpoint of a layout that is read.
        target: ``.pth`` or ``.safetensors``.
        options: Settings that cannot be inferred from the source's weights.
        preset: Name of a specialisation.
        layers: Blocks (see ``parse_blocks``) by layer, beside the preset's; ``norm`` is the final one.
        lora_rank: Rank of low-rank additions to qkv, in place of a split.
        registers_follow: Whose copy the registers pass through.
        seed: Seed of low-rank additions.

    Returns:
        What was done, for a reader.

    Raises:
        UsageError: Nothing to split, an unknown layer or preset, blocks that are not there, or a target that exists.
        SpecialisationError: See ``specialize``; or the function changed, and nothing is written.
    """
    if target.exists():
        raise UsageError(f"{target} exists; give another name, or remove it first")
    check_suffix(target)
    vit = load_vit(source, options).eval().requires_grad_(False)
    spec = vit.spec
    split = _asked_for(layers or {}, spec.depth, lora_rank)
    if preset is not None:
        try:
            split = split.union(specialization_preset(preset, depth=spec.depth, layer_scale=spec.layer_scale))
        except ValueError as error:
            raise UsageError(f"--preset {preset} and the layers named beside it do not go together: {error}") from error
    if not split and preset is None:
        raise UsageError("say what to split: --preset norms+qkv, or --layers norm1,norm2,ls1,ls2 --qkv-blocks 8")
    specialized = specialize(vit, split, registers_follow=registers_follow, seed=seed)
    difference = max_difference(vit, specialized)
    if difference:
        raise SpecialisationError(f"the specialised model differs by {difference:g} from {source}; nothing was written")
    save_backbone(specialized, target)
    added = count_params(specialized) - count_params(vit)
    return (
        f"{target}: {spec.arch}, specialisation {specialized.spec.specialization}\n"
        f"parameters: {count_params(vit):,} + {added:,} = {count_params(specialized):,} "
        f"(+{overhead_percent(specialized):.2f} % over shared weights)\n"
        f"largest difference to {source}: {difference:g} (float32, CPU)"
    )


def _asked_for(layers: Mapping[str, str], depth: int, lora_rank: int | None) -> Specialization:
    known = (*LAYERS, "norm")
    for layer in layers:
        if layer not in known:
            raise UsageError(f"no layer {layer!r}{did_you_mean(layer, known)}; layers: {', '.join(known)}")
    if lora_rank is not None and "qkv" not in layers:
        raise UsageError("--lora-rank needs --qkv-blocks")
    try:
        blocks = {layer: parse_blocks(text, depth) for layer, text in layers.items() if layer != "norm"}
    except ValueError as error:
        raise UsageError(str(error)) from error
    if lora_rank is not None:
        blocks["qkv_lora"] = blocks.pop("qkv")
    return Specialization(**blocks, lora_rank=lora_rank or 0, final_norm="norm" in layers)


def max_difference(one: VisionTransformer, other: VisionTransformer) -> float:
    """Returns the largest difference between the tokens of two models on a random image that is not square."""
    patch = one.spec.patch_size
    images = torch.randn(1, 3, 5 * patch, 7 * patch, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        [first], [second] = one.tokens(images), other.tokens(images)
    pairs = ((first.cls, second.cls), (first.registers, second.registers), (first.patches, second.patches))
    return max(float((a - b).abs().max()) for a, b in pairs if a.numel())


def _initial(key: str, wanted: Tensor, old: dict[str, Tensor], generator: torch.Generator) -> Tensor:
    """Returns the first value of a tensor: the old one's, that of the layer it is split from, or a low-rank start."""
    if key in old:
        return old[key]
    if key.endswith("lora_a"):
        return draw_lora(wanted.shape, generator)
    if key.endswith("lora_b"):
        return torch.zeros(wanted.shape)
    return old[key.replace(".cls.", ".").replace(".patch.", ".")]
