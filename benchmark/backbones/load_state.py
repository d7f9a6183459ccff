"""Filling a model strictly: every tensor fits, or there is an error that names it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from benchmark.backbones.vit import VisionTransformer
from benchmark.errors import (
    MissingKeysError,
    NonFiniteWeightsError,
    ShapeMismatchError,
    UnexpectedKeysError,
    UnsupportedArchitectureError,
    did_you_mean,
)


def load_state(model: VisionTransformer, state: Mapping[str, Tensor]) -> None:
    """Puts float32 copies of ``state`` into ``model``; every name and shape must fit.

    Raises:
        MissingKeysError, UnexpectedKeysError, ShapeMismatchError, NonFiniteWeightsError: With the keys, by block.
        UnsupportedArchitectureError: A tensor that is quantised, complex or sparse.
    """
    wanted = model.state_dict()
    missing = wanted.keys() - state.keys()
    if missing:
        raise MissingKeysError(f"the checkpoint lacks {len(missing)} tensors: {by_block(missing)}")
    left_over = state.keys() - wanted.keys()
    if left_over:
        near = did_you_mean(sorted(left_over)[0], wanted)
        raise UnexpectedKeysError(f"{len(left_over)} tensors that nothing reads: {by_block(left_over)}{near}")
    for key, tensor in state.items():
        if tensor.shape != wanted[key].shape:
            raise ShapeMismatchError(
                f"{key} is {tuple(tensor.shape)} in the checkpoint, the architecture needs {tuple(wanted[key].shape)}"
            )
        if not tensor.is_floating_point() or tensor.layout is not torch.strided:
            raise UnsupportedArchitectureError(
                f"{key} is {tensor.dtype}, {tensor.layout}: quantised, complex and sparse weights are not read"
            )
        if not tensor.float().isfinite().all():
            raise NonFiniteWeightsError(f"{key} holds NaN or infinity")
    # Copies: a mapped file may change or go away while the model is in use.
    model.load_state_dict({key: tensor.to(torch.float32, copy=True) for key, tensor in state.items()}, assign=True)


def by_block(keys: Iterable[str]) -> str:
    """Lists keys as ``blocks.3: attn.qkv.weight, norm1.bias; norm.weight``, cut after six groups."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(keys):
        match = re.match(r"(blocks\.\d+)\.(.+)", key)
        groups[match[1] if match else key].append(match[2] if match else "")
    parts = [f"{group}: {', '.join(names)}" if names[0] else group for group, names in groups.items()]
    return "; ".join(parts[:6]) + (f"; and {len(parts) - 6} more groups" if len(parts) > 6 else "")
