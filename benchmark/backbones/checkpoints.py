"""From a checkpoint file to a frozen backbone, strictly: every tensor is used, dropped by a named rule, or an error."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.backbones import formats, pixels
from benchmark.backbones.base import Backbone
from benchmark.backbones.spec import Source
from benchmark.backbones.structure import BackboneOptions, infer_spec
from benchmark.backbones.vit import VisionTransformer
from benchmark.errors import (
    CheckpointFileError,
    MissingKeysError,
    NonFiniteWeightsError,
    ShapeMismatchError,
    UnexpectedKeysError,
    UnknownFormatError,
    UnsafeCheckpointError,
    UnsupportedArchitectureError,
    did_you_mean,
)

# Where training code puts the weights; the teacher is the model that is released.
_WRAPPERS = ("teacher", "model", "state_dict", "model_state_dict")
# Prefixes of DINOv2's training files, in the order they are nested.
_PREFIXES = ("module.", "backbone.")
# How PyTorch's restricted unpickler words that a file wants code.
_REFUSED = re.compile(r"(?:Unsupported (?:global|class)|GLOBAL|Trying to (?:load|call|set)) [^\n]{0,160}")
_PRETRAINING_HEADS = ("dino_head.", "ibot_head.", "dino_loss.", "ibot_patch_loss.")


def load_backbone(checkpoint: str | Path, *, device: str | torch.device = "cpu", **options: Any) -> Backbone:
    """Reads a frozen backbone; layout and architecture come from the file.

    Args:
        checkpoint: A ``.pth`` or ``.pt`` file, or ``"pixels"`` for the raw-colour floor baseline.
        device: Where the weights go.
        **options: What no key tells: ``num_heads``, ``norm_eps``, ``interpolate_offset``,
            ``interpolate_antialias``, ``mean``, ``std`` (see ``BackboneOptions``).

    Returns:
        The backbone in evaluation mode, float32, without gradients.

    Raises:
        CheckpointError: One of its subclasses, which says what is wrong with the file.
        TypeError: An option that does not exist.
    """
    choices = BackboneOptions(**options)
    if str(checkpoint) == pixels.NAME and not Path(checkpoint).exists():
        return pixels.build(choices).eval().to(device)
    path = Path(checkpoint)
    state, notes = unwrap(read_checkpoint(path))
    layout = formats.detect(state)
    canonical = layout.to_canonical(state)
    spec = infer_spec(canonical.state, canonical.defaults, choices)
    source = Source(
        checkpoint=str(checkpoint),
        sha256=file_sha256(path),
        layout=layout.NAME,
        dropped=canonical.dropped,
        notes=notes,
    )
    with torch.device("meta"):  # the tensors of the file take the place of these
        backbone = VisionTransformer(spec, source)
    fill_strictly(backbone, canonical.state)
    return backbone.eval().requires_grad_(False).to(device)


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Unpickles a file of tensors, on the CPU, running no code of the file.

    Raises:
        CheckpointFileError: Missing, truncated, or no weight file.
        UnsafeCheckpointError: The pickle names code to run.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise CheckpointFileError(f"checkpoint {path} {kind}; give a .pth or .pt file, or 'pixels' for the floor")
    with path.open("rb") as file:
        head = file.read(64)
    if not head.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive (torch >= 1.6) or a pickle
        raise CheckpointFileError(f"checkpoint {path} is no PyTorch file; it begins with {head[:40]!r}")
    try:
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can fail in any way
        refused = _REFUSED.search(str(error))
        if refused:
            raise UnsafeCheckpointError(
                f"checkpoint {path} needs more than tensors to load and is refused ({refused[0]}); where you trust it, "
                "save its state dict alone, or as safetensors"
            ) from error
        raise CheckpointFileError(f"checkpoint {path} is truncated or damaged: {_first_line(error)}") from error
    if not isinstance(raw, Mapping):
        raise UnknownFormatError(f"checkpoint {path} holds a {type(raw).__name__}, not a state dict")
    return raw


def unwrap(raw: Mapping[str, Any]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Finds the backbone's tensors inside a training file.

    Takes the first of ``teacher``, ``model``, ``state_dict``, ``model_state_dict`` that is a dict, strips a leading
    ``module.`` and ``backbone.``, and leaves DINOv2's pre-training heads out.

    Returns:
        Tensors by key, and a note for each thing done.

    Raises:
        UnknownFormatError: Something that is no tensor stands among the tensors.
        UnexpectedKeysError: Keys beside ``backbone.*`` that are no pre-training head.
    """
    notes = []
    wrapper = next((name for name in _WRAPPERS if isinstance(raw.get(name), Mapping)), None)
    if wrapper:
        notes.append(f"took {wrapper!r} of {sorted(map(str, raw))}")
        raw = raw[wrapper]
    foreign = [str(key) for key, value in raw.items() if not isinstance(value, Tensor) or not isinstance(key, str)]
    if foreign:
        raise UnknownFormatError(f"the state dict holds things that are no tensors: {', '.join(foreign[:10])}")
    state = dict(raw)
    for prefix in _PREFIXES:
        inside = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        if not inside:
            continue
        beside = [key for key in state if not key.startswith(prefix)]
        strange = [key for key in beside if not key.startswith(_PRETRAINING_HEADS)]
        if strange:
            raise UnexpectedKeysError(f"keys beside {prefix}*: {', '.join(strange[:10])}")
        notes.append(f"stripped the prefix {prefix!r}")
        if beside:
            notes.append(f"left out {len(beside)} tensors of pre-training heads")
        state = inside
    return state, tuple(notes)


def fill_strictly(model: VisionTransformer, state: Mapping[str, Tensor]) -> None:
    """Puts float32 copies of ``state`` into ``model``; every name and shape must fit.

    Raises:
        MissingKeysError, UnexpectedKeysError, ShapeMismatchError, NonFiniteWeightsError: With the keys, by block.
    """
    wanted = model.state_dict()
    missing = wanted.keys() - state.keys()
    if missing:
        raise MissingKeysError(f"the checkpoint lacks {len(missing)} tensors: {_by_block(missing)}")
    left_over = state.keys() - wanted.keys()
    if left_over:
        near = did_you_mean(sorted(left_over)[0], wanted)
        raise UnexpectedKeysError(f"{len(left_over)} tensors that nothing reads: {_by_block(left_over)}{near}")
    for key, tensor in state.items():
        if tensor.shape != wanted[key].shape:
            raise ShapeMismatchError(
                f"{key} is {tuple(tensor.shape)} in the checkpoint, the architecture needs {tuple(wanted[key].shape)}"
            )
        if not tensor.is_floating_point() or tensor.layout is not torch.strided:
            raise UnsupportedArchitectureError(
                f"{key} is {tensor.dtype}, {tensor.layout}: quantised, complex and sparse weights are not read"
            )
        if not tensor.isfinite().all():
            raise NonFiniteWeightsError(f"{key} holds NaN or infinity")
    model.load_state_dict({key: tensor.float() for key, tensor in state.items()}, assign=True)


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_block(keys: Iterable[str]) -> str:
    """Lists keys as ``blocks.3: attn.qkv.weight, norm1.bias; norm.weight``, cut after six groups."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(keys):
        match = re.match(r"(blocks\.\d+)\.(.+)", key)
        groups[match[1] if match else key].append(match[2] if match else "")
    parts = [f"{group}: {', '.join(names)}" if names[0] else group for group, names in groups.items()]
    return "; ".join(parts[:6]) + (f"; and {len(parts) - 6} more groups" if len(parts) > 6 else "")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
