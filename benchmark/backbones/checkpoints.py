"""From a checkpoint to a frozen backbone, strictly: every tensor is used, dropped by a named rule, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import adapters, layouts, pixels
from benchmark.backbones.aliases import bias_tokens_by_head
from benchmark.backbones.assumed import assumed_options
from benchmark.backbones.base import Backbone
from benchmark.backbones.infer_spec import infer_spec, refuse_meaningless_options, stated_grid
from benchmark.backbones.load_state import load_state
from benchmark.backbones.metadata import CheckpointMetadata, read_metadata
from benchmark.backbones.rotary import rotary_periods
from benchmark.backbones.spec import Source
from benchmark.backbones.state_dict import CheckpointWeights, patch_size
from benchmark.backbones.vit import VisionTransformer
from benchmark.backbones.weight_files import read_checkpoint, sha256_of
from benchmark.backbones.wrappers import unwrap
from benchmark.errors import StructureError

_LOST = (
    "has the tensors of a model of DenseBench but not its spec, which a plain dict or another writer of safetensors "
    "loses. If it is one, write it with save_backbone, or pass the assumed settings explicitly"
)


def load_backbone(checkpoint: str | Path, *, device: str | torch.device = "cpu", **options: Any) -> Backbone:
    """Reads a frozen backbone; layout and architecture come from the file.

    Args:
        checkpoint: A ``.pth``, ``.pt``, ``.bin`` or ``.safetensors`` file, a Hugging Face folder, ``hf:DIR``,
            ``timm:NAME``, ``my_file.py:build``, or ``"pixels"`` for the raw-colour baseline.
        device: Where the weights go.
        **options: Settings that cannot be inferred from the weights, ``num_heads`` or ``mean`` for instance (see
                ``BackboneOptions``); they are recorded.

    Returns:
        The backbone in evaluation mode, float32, without gradients.

    Raises:
        CheckpointError: One of its subclasses, which says what is wrong with the file.
        TypeError: An option that does not exist.
        ValueError: A value that the option cannot have.
    """
    choices = BackboneOptions(**options)
    name = str(checkpoint)
    if name == pixels.NAME and not Path(name).exists():
        backbone = pixels.build(choices)
    elif adapters.is_adapted(name):
        backbone = adapters.build(name, choices)
    else:
        backbone = load_vit(Path(checkpoint), choices)
    return backbone.eval().requires_grad_(False).to(device)


def load_vit(path: Path, options: BackboneOptions) -> VisionTransformer:
    """Reads a file or folder of a known layout into our own ViT, on the CPU; see ``load_backbone``."""
    raw = read_checkpoint(path)
    weights, beside = unwrap(raw, options.weights)
    metadata = _metadata(weights)
    patch = patch_size(weights.state)
    weights = replace(weights, grid=stated_grid(patch, options, metadata) if patch else None)
    layout = layouts.detect(weights)
    canonical = layout.to_canonical(weights)
    spec = infer_spec(canonical.state, canonical.defaults, options, metadata)
    refuse_meaningless_options(options, spec, str(path))
    state = bias_tokens_by_head(canonical.state, spec.num_heads)
    if canonical.defaults.rope_base is not None:
        state["rope_embed.periods"] = rotary_periods(spec.head_width, canonical.defaults.rope_base)
    with torch.device("meta"):  # the tensors of the file take the place of these
        vit = VisionTransformer(spec)
    lost = weights.spec is None and _shapes(vit.state_dict()) == _shapes(weights.state)
    vit.source = Source(
        checkpoint=str(path),
        sha256=sha256_of(raw.files),
        layout=layout.NAME,
        dropped=(*beside, *canonical.dropped),
        notes=(*weights.notes, *canonical.notes, *([_LOST] if lost else [])),
        assumed=assumed_options(spec, canonical.state, canonical.defaults, options, metadata),
    )
    load_state(vit, state)
    return vit


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {key: tensor.shape for key, tensor in state.items()}


def _metadata(weights: CheckpointWeights) -> CheckpointMetadata:
    """Reads the metadata; of a family that is not read here, says that rather than what it lacks."""
    try:
        return read_metadata(weights.config, weights.preprocessor, weights.arguments, weights.spec)
    except StructureError:
        layouts.detect(weights)
        raise
