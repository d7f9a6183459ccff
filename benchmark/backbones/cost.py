"""What a backbone costs: parameters and floating-point operations."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmark.backbones.base import Backbone
from benchmark.backbones.memory import ModuleInMemory
from benchmark.backbones.spec import ViTSpec
from benchmark.backbones.specialization import Specialization
from benchmark.backbones.vit import VisionTransformer

_NOMINAL_SIDE = 224


def count_params(backbone: Backbone) -> int:
    """Returns the number of parameters."""
    return sum(parameter.numel() for parameter in _module(backbone).parameters())


def added_params(spec: ViTSpec) -> int:
    """Returns the parameters that splitting layers adds to the same model with shared weights."""
    if not spec.split:
        return 0
    with torch.device("meta"):
        whole, shared = (
            sum(parameter.numel() for parameter in VisionTransformer(variant).parameters())
            for variant in (spec, replace(spec, split=Specialization()))
        )
    return whole - shared


def overhead_percent(backbone: Backbone) -> float:
    """Returns the parameters that splitting layers adds, in percent of the shared model's; 0 without a split."""
    if not isinstance(backbone.spec, ViTSpec):
        return 0.0
    added = added_params(backbone.spec)
    return 100 * added / (count_params(backbone) - added)


def count_gflops(backbone: Backbone) -> float:
    """Counts 10^9 operations of one forward on the smallest square image of at least 224 pixels.

    A multiplication and an addition are two operations (``torch.utils.flop_counter``). It is counted on a copy on the
    meta device: a count needs no arithmetic, and the counter knows no formula for PyTorch's CPU attention kernel.
    """
    patch = backbone.spec.patch_size
    side = -(-_NOMINAL_SIDE // patch) * patch
    module = _module(backbone)
    if isinstance(module, ModuleInMemory):
        device = next(iter(module.parameters()), torch.empty(0)).device
        with sdpa_kernel(SDPBackend.MATH):  # the counter sees its products
            return _gflops(module, torch.zeros(1, 3, side, side, device=device))
    # Tensors are replaced while the module is copied, so that their memory is not.
    weightless = {id(tensor): tensor.to("meta") for tensor in module.buffers()}
    weightless |= {id(tensor): nn.Parameter(tensor.to("meta"), tensor.requires_grad) for tensor in module.parameters()}
    twin = copy.deepcopy(module, weightless)
    return _gflops(twin, torch.empty(1, 3, side, side, device="meta"))


def _gflops(module: nn.Module, images: torch.Tensor) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.tokens(images)
    return counter.get_total_flops() / 1e9


def _module(backbone: Backbone) -> nn.Module:
    if not isinstance(backbone, nn.Module):
        raise TypeError(f"a backbone must be a torch.nn.Module, received {type(backbone).__name__}")
    return backbone
