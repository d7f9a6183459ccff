"""torch.compile for frozen backbones."""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
from torch import nn

from benchmark.backbones.base import Backbone
from benchmark.backbones.vit import VisionTransformer

# Two sizes: the second one makes a compiler that has specialised on the first show whether it can do without.
_TRIED_GRIDS = ((4, 4), (4, 6))


def compile_backbone(backbone: Backbone) -> bool:
    """Compiles the blocks of a ViT, or a whole adapted model, in place; says so loudly where that fails.

    All blocks of a ViT share their code and their shapes, so one of them is compiled for all, whatever the image size.
    What became of it stands in the notes of ``backbone.source``, so in the record.

    Args:
        backbone: Backbone on its device; without blocks or weights it is left alone.

    Returns:
        Whether it runs compiled now.
    """
    modules: list[nn.Module] = list(backbone.blocks) if isinstance(backbone, VisionTransformer) else [backbone]
    for module in modules:
        module.compile(dynamic=True)
    device = next(iter(backbone.parameters()), torch.empty(0)).device
    try:
        for rows, columns in _TRIED_GRIDS:
            side = backbone.spec.patch_size
            with torch.no_grad():
                backbone.tokens(torch.zeros(1, 3, rows * side, columns * side, device=device))
    except Exception as error:  # compilers fail in any way: no C++ compiler, an unknown operation, a full disk
        for module in modules:
            module._compiled_call_impl = None  # what nn.Module.compile sets and nothing public takes back
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        print(f"torch.compile failed, the backbone runs uncompiled: {text}", file=sys.stderr)
        _note(backbone, f"torch.compile failed: {text}")
        return False
    _note(backbone, "compiled with torch.compile")
    return True


def _note(backbone: Backbone, note: str) -> None:
    backbone.source = replace(backbone.source, notes=(*backbone.source.notes, note))
