"""What a backbone costs: parameters and floating-point operations."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.backbones.base import Backbone

_NOMINAL_SIDE = 224


def count_params(backbone: Backbone) -> int:
    """Returns the number of parameters."""
    return sum(parameter.numel() for parameter in _module(backbone).parameters())


def count_gflops(backbone: Backbone) -> float:
    """Counts 10^9 operations of one forward on the smallest square image of at least 224 pixels.

    A multiplication and an addition are two operations (``torch.utils.flop_counter``). It is counted on a copy on the
    meta device: a count needs no arithmetic, and the counter knows no formula for PyTorch's CPU attention kernel.
    """
    patch = backbone.spec.patch_size
    side = -(-_NOMINAL_SIDE // patch) * patch
    module = _module(backbone)
    # Tensors are replaced while the module is copied, so that their memory is not.
    weightless = {id(tensor): tensor.to("meta") for tensor in module.buffers()}
    weightless |= {id(tensor): nn.Parameter(tensor.to("meta"), tensor.requires_grad) for tensor in module.parameters()}
    twin = copy.deepcopy(module, weightless)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin.tokens(torch.empty(1, 3, side, side, device="meta"))
    return counter.get_total_flops() / 1e9


def _module(backbone: Backbone) -> nn.Module:
    if not isinstance(backbone, nn.Module):
        raise TypeError(f"a backbone must be a torch.nn.Module, received {type(backbone).__name__}")
    return backbone
