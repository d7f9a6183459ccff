"""AdamW and LAMB, and what changes over the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.pretraining import recipe as recipes


def cosine(first: float, last: float, share: float) -> float:
    """Returns the value a ``share`` of the way from ``first`` to ``last`` along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def learning_rate(step: int, total: int, settings: recipes.Optimizer) -> float:
    """Returns the learning rate at ``step`` (from 0): linear up to the peak, then a cosine down to the last step."""
    warmup = round(settings.warmup * total)
    if step < warmup:
        return settings.lr * (step + 1) / warmup
    return cosine(settings.lr, settings.final_lr, (step - warmup) / max(total - 1 - warmup, 1))


def make_optimizer(parameters: Iterable[nn.Parameter], settings: recipes.Optimizer) -> torch.optim.Optimizer:
    """Returns an optimiser with two groups; only the first, weights of more than one row, decays.

    So biases, norms, LayerScale, [CLS], registers, positions and attention bias tokens do not.
    """
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for parameter in parameters:
        groups[parameter.ndim > 1 and len(parameter) > 1].append(parameter)
    kind = {"adamw": torch.optim.AdamW, "lamb": Lamb}[settings.name]
    listed = [{"params": group, "weight_decay": 0.0} for group in (groups[True], groups[False])]
    return kind(listed, lr=settings.lr, betas=settings.betas)


def set_schedule(optimizer: torch.optim.Optimizer, step: int, total: int, settings: recipes.Optimizer) -> None:
    """Sets learning rate and weight decay of a step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, total, settings)
    optimizer.param_groups[0]["weight_decay"] = cosine(*settings.weight_decay, step / max(total - 1, 1))


class Lamb(torch.optim.Optimizer):
    """Adam whose step on each decaying tensor has the tensor's norm (arXiv 1904.00962), as timm's ``Lamb``.

    Args:
        params: Groups; ``weight_decay`` of a group is added to the step before its norm is taken.
        lr: Learning rate.
        betas: Decay rates of the two moments.
        eps: Beside the root of the second moment.
    """

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], eps: float = 1e-6) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:
        """Makes one update; there is no closure to call."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        (first, second), state = group["betas"], self.state[parameter]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
        state["step"] += 1
        state["mean"].lerp_(parameter.grad, 1 - first)
        state["square"].mul_(second).addcmul_(parameter.grad, parameter.grad, value=1 - second)
        root = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
        update = state["mean"] / (1 - first ** state["step"]) / root
        if group["weight_decay"]:
            update.add_(parameter, alpha=group["weight_decay"])
            ours, its = parameter.norm(), update.norm()
            update.mul_(torch.where((ours > 0) & (its > 0), ours / its, torch.ones_like(ours)))
        parameter.sub_(update, alpha=group["lr"])
