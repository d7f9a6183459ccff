"""Several processes on one batch: each works on its share; sums and maxima are taken over all."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from benchmark.distributed import World


def summed(tensor: Tensor, world: World) -> Tensor:
    """Returns the sum of every process's tensor."""
    if world.size > 1:
        tensor = tensor.clone()
        dist.all_reduce(tensor)
    return tensor


def highest(tensor: Tensor, world: World) -> Tensor:
    """Returns the largest value of every process's tensor, of which some may be empty."""
    top = tensor.amax() if tensor.numel() else tensor.new_tensor(torch.finfo(tensor.dtype).min)
    if world.size > 1:
        dist.all_reduce(top, dist.ReduceOp.MAX)
    return top


def sum_gradients(parameters: Iterable[nn.Parameter], world: World) -> None:
    """Puts the sum over all processes in place of each gradient, in one exchange."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if world.size == 1 or not gradients:
        return
    together = summed(torch.cat([gradient.flatten() for gradient in gradients]), world)
    for gradient, part in zip(gradients, together.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))
