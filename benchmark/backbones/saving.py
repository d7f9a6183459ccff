"""Writing a backbone as a checkpoint that is read back without a question."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save

from benchmark.atomic import atomic_write
from benchmark.backbones.spec import SPEC_KEY, kept_spec
from benchmark.backbones.vit import VisionTransformer
from benchmark.errors import CheckpointFileError


def check_suffix(path: Path) -> None:
    """Raises CheckpointFileError if no kind of checkpoint ends like this."""
    if path.suffix not in (".pth", ".pt", ".safetensors"):
        raise CheckpointFileError(f"cannot write {path}: a checkpoint ends in .pth, .pt or .safetensors")


def save_backbone(vit: VisionTransformer, path: Path) -> None:
    """Writes canonical tensors and the spec, whole or not at all.

    Args:
        vit: Any state of it, training or frozen.
        path: ``.pth``, ``.pt`` or ``.safetensors``; its folder is made.

    Raises:
        CheckpointFileError: Another suffix, or a place that cannot be written.
    """
    check_suffix(path)
    state = vit.state_dict()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            if path.suffix == ".safetensors":
                tensors = {key: tensor.contiguous() for key, tensor in state.items()}
                file.write(save(tensors, {SPEC_KEY: json.dumps(kept_spec(vit.spec, vit.source))}))
            else:
                torch.save(state, file)
    except OSError as error:
        raise CheckpointFileError(f"cannot write {path}: {error.strerror or error}") from error
