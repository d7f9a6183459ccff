"""Models of other families: through transformers, through timm, or through a file of the user's own.

An adapter is a module of torch that has a ``spec`` and ``tokens``, as ``benchmark.backbones.base.Backbone`` asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones.adapters import custom, hf, timm
from benchmark.backbones.adapters.report import AdapterReport
from benchmark.backbones.infer_spec import refuse_options
from benchmark.backbones.spec import BackboneSpec, Preprocessing, Source
from benchmark.backbones.tokens import Tokens
from benchmark.backbones.weight_files import first_line
from benchmark.errors import CheckpointError

_PREFIXES: dict[str, Callable[[str], tuple[nn.Module, AdapterReport]]] = {"hf": hf.build, "timm": timm.build}


def is_adapted(name: str) -> bool:
    """Tells whether a checkpoint is named ``hf:DIR``, ``timm:NAME`` or ``my_file.py:build``, with or without @FILE."""
    head, colon, _ = name.partition(":")
    return bool(colon) and (head in _PREFIXES or head.endswith(".py"))


def build(name: str, options: BackboneOptions) -> nn.Module:
    """Makes an adapted backbone and checks it on a small image.

    Args:
        name: What ``is_adapted`` knows.
        options: Of these only ``mean`` and ``std`` apply; for timm also its own rule of resizing positions.

    Raises:
        CheckpointError: The package is not installed, the model cannot be built, or what it returns does not fit.
    """
    head, _, rest = name.partition(":")
    # timm resizes positions in one way: to ask for that way asks for nothing.
    as_timm = head == "timm" and options.interpolate_offset in (None, 0) and options.interpolate_antialias is not False
    resizing = ("interpolate_offset", "interpolate_antialias") if as_timm else ()
    refuse_options(options, ("mean", "std", *resizing), name)
    model, report = _PREFIXES[head](rest) if head in _PREFIXES else (custom.build(Path(head), rest), AdapterReport())
    spec = getattr(model, "spec", None)
    if (
        not isinstance(model, nn.Module)
        or not isinstance(spec, BackboneSpec)
        or not callable(getattr(model, "tokens", None))
    ):
        raise CheckpointError(
            f"{name} gave a {type(model).__name__}; needed is a torch.nn.Module with a BackboneSpec as `spec` and a "
            "method `tokens(images, *, layers, norm)`"
        )
    preprocessing = Preprocessing(options.mean or spec.preprocessing.mean, options.std or spec.preprocessing.std)
    model.spec = replace(spec, preprocessing=preprocessing)
    layout = head if head in _PREFIXES else "custom"
    files = (Path(head),) if layout == "custom" else report.files
    model.source = Source(
        checkpoint=name,
        sha256=weights_sha256(model, *(path.read_bytes() for path in files)),
        layout=layout,
        dropped=report.dropped,
        notes=report.notes,
        assumed=tuple(option for option in report.assumed if getattr(options, option) is None),
    )
    model.eval().requires_grad_(False)
    if layout == "custom":
        try_out(model, name)  # errors of the user's own code keep their traceback
        return model
    try:
        try_out(model, name)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:  # any foreign code
        raise CheckpointError(
            f"{name}: {spec.arch} cannot be run on images of another size than its own: {first_line(error)}"
        ) from error
    return model


def weights_sha256(model: nn.Module, *code: bytes) -> str:
    """Hashes names, dtypes, shapes and bytes of the weights, one tensor in memory at a time.

    Args:
        model: Whose state dict it is.
        code: What says how to compute with them, hashed first.
    """
    digest = hashlib.sha256()
    for text in code:
        digest.update(text)
    tensors = {key: value for key, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    for key, tensor in sorted(tensors.items()):
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


@torch.no_grad()
def try_out(model: nn.Module, name: str, device: torch.device | None = None) -> None:
    """Raises CheckpointError if tokens of a small image that is not square do not fit the spec.

    Args:
        model: An adapted backbone.
        name: What messages call it.
        device: Where it is; None is the CPU.
    """
    spec = model.spec
    rows, columns = getattr(model, "only_grid", None) or (12, 16)  # some families need a few patches
    images = torch.zeros(2, 3, rows * spec.patch_size, columns * spec.patch_size, device=device)
    outputs = model.tokens(images, layers=(0, -1), norm=getattr(model, "has_norm", True))
    if len(outputs) != 2 or not all(isinstance(tokens, Tokens) for tokens in outputs):
        raise CheckpointError(f"{name}: tokens(layers=(0, -1)) must return a list of two Tokens")
    for tokens in outputs:
        shapes = {
            "cls": (tokens.cls, (2, spec.embed_dim)),
            "registers": (tokens.registers, (2, spec.num_registers, spec.embed_dim)),
            "patches": (tokens.patches, (2, rows * columns, spec.embed_dim)),
        }
        for field, (tensor, expected) in shapes.items():
            if tuple(tensor.shape) != expected:
                raise CheckpointError(
                    f"{name}: {field} of images {tuple(images.shape)} is {tuple(tensor.shape)}; by its spec (patch "
                    f"{spec.patch_size}, width {spec.embed_dim}, {spec.num_registers} registers) it must be {expected}"
                )
        if tuple(tokens.grid) != (rows, columns):
            raise CheckpointError(f"{name}: grid is {tokens.grid}, expected {(rows, columns)}, rows first")
