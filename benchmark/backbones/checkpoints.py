"""From a checkpoint to a frozen backbone, strictly: every tensor is used, dropped by a named rule, or an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones import adapters, formats, pixels
from benchmark.backbones.aliases import bias_tokens_by_head
from benchmark.backbones.assumed import assumed_options
from benchmark.backbones.base import Backbone
from benchmark.backbones.contents import Contents, patch_size
from benchmark.backbones.facts import Facts, read_facts
from benchmark.backbones.rotary import rotary_periods
from benchmark.backbones.spec import Source
from benchmark.backbones.strict import fill_strictly
from benchmark.backbones.structure import infer_spec, refuse_meaningless_options, told_grid
from benchmark.backbones.vit import VisionTransformer
from benchmark.backbones.weight_files import read_checkpoint, sha256_of
from benchmark.backbones.wrappers import unwrap
from benchmark.errors import StructureError

_LOST = (
    "holds what DenseBench's own models save, without their spec: a plain dict, or safetensors alone, loses it. If it "
    "is one, write it with save_backbone, or give by name what is assumed"
)


def load_backbone(checkpoint: str | Path, *, device: str | torch.device = "cpu", **options: Any) -> Backbone:
    """Reads a frozen backbone; layout and architecture come from the file.

    Args:
        checkpoint: A ``.pth``, ``.pt``, ``.bin`` or ``.safetensors`` file, a Hugging Face folder, ``hf:DIR``,
            ``timm:NAME``, ``my_file.py:build``, or ``"pixels"`` for the raw-colour floor baseline.
        device: Where the weights go.
        **options: What no key tells, for instance ``num_heads`` or ``mean`` (see ``BackboneOptions``).

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
    contents, beside = unwrap(raw, options.weights)
    facts = _facts(contents)
    patch = patch_size(contents.state)
    contents = replace(contents, grid=told_grid(patch, options, facts) if patch else None)
    layout = formats.detect(contents)
    canonical = layout.to_canonical(contents)
    spec = infer_spec(canonical.state, canonical.defaults, options, facts)
    refuse_meaningless_options(options, spec, str(path))
    state = bias_tokens_by_head(canonical.state, spec.num_heads)
    if canonical.defaults.rope_base is not None:
        state["rope_embed.periods"] = rotary_periods(spec.head_width, canonical.defaults.rope_base)
    with torch.device("meta"):  # the tensors of the file take the place of these
        vit = VisionTransformer(spec)
    ours, theirs = ({key: tensor.shape for key, tensor in each.items()} for each in (vit.state_dict(), contents.state))
    lost = contents.spec is None and ours == theirs
    vit.source = Source(
        checkpoint=str(path),
        sha256=sha256_of(raw.files),
        layout=layout.NAME,
        dropped=(*beside, *canonical.dropped),
        notes=(*contents.notes, *canonical.notes, *([_LOST] if lost else [])),
        assumed=assumed_options(spec, canonical.state, canonical.defaults, options, facts),
    )
    fill_strictly(vit, state)
    return vit


def _facts(contents: Contents) -> Facts:
    """Reads what stands beside the weights; of a family that is not read here, says that rather than what it lacks."""
    try:
        return read_facts(contents.config, contents.preprocessor, contents.arguments, contents.spec)
    except StructureError:
        formats.detect(contents)
        raise
