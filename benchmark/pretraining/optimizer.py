"""AdamW and LAMB, and what changes over the steps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmark.pretraining import recipe as recipes

_INPUTS = {"patch_embed", "pos_embed", "cls_token", "register_tokens", "mask_token"}
"""What makes the input of the first block."""


def cosine(first: float, last: float, share: float) -> float:
    """Returns the value a ``share`` of the way from ``first`` to ``last`` along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def learning_rate(step: int, total: int, settings: recipes.OptimizerSettings) -> float:
    """Returns the learning rate at ``step`` (from 0): linear up to the peak, then a cosine down to the last step."""
    warmup = round(settings.warmup * total)
    if step < warmup:
        return settings.lr * (step + 1) / warmup
    return cosine(settings.lr, settings.final_lr, (step - warmup) / max(total - 1 - warmup, 1))


class Trained(NamedTuple):
    """A parameter that is trained, and what its learner says of it."""

    name: str
    """Within the backbone, or within its head."""

    parameter: nn.Parameter

    part: str
    """The gradients of a part are clipped together."""

    first_step: int = 0
    """Before this step it stays as it is."""


def make_optimizer(
    trained: Iterable[Trained], depth: int, settings: recipes.OptimizerSettings
) -> torch.optim.Optimizer:
    """Returns an optimiser whose groups hold what `set_schedule` and `clip_gradients` ask of them; decaying ones first.

    Args:
        trained: All parameters.
        depth: Blocks of the backbone.
        settings: All but the schedules' length.
    """
    groups: dict[tuple[bool, float, str, int], list[nn.Parameter]] = defaultdict(list)
    for name, parameter, part, first_step in trained:
        key = (decays(parameter, settings), lr_scale(name, depth, settings), part, first_step)
        groups[key].append(parameter)
    kind = {"adamw": torch.optim.AdamW, "lamb": Lamb}[settings.name]
    fields = ("decays", "lr_scale", "part", "first_step")
    listed = [{"params": groups[key], **dict(zip(fields, key, strict=True))} for key in sorted(groups, reverse=True)]
    return kind(listed, lr=settings.lr, betas=settings.betas, eps=settings.eps, weight_decay=0.0)


def decays(parameter: Tensor, settings: recipes.OptimizerSettings) -> bool:
    """Tells whether weight decay applies: never to vectors (biases, norms, LayerScale), to single rows if tokens decay.

    Source: facebookresearch/dinov2 ``utils/param_groups.py`` line 80 lets all else decay; timm 0.3.2
    ``optim/optim_factory.py`` line 31, with the list of facebookresearch/deit ``models_v2.py``, leaves out [CLS] and
    positions.
    """
    return parameter.ndim > 1 and (settings.decay_tokens or len(parameter) > 1)


def lr_scale(name: str, depth: int, settings: recipes.OptimizerSettings) -> float:
    """Returns what the learning rate of a parameter is multiplied by.

    Source: facebookresearch/dinov2 ``utils/param_groups.py``, lines 13-48 and 83-84.

    Args:
        name: Within the backbone, or within a head.
        depth: Blocks of the backbone.
        settings: ``layer_decay`` and ``patch_embed_lr``.
    """
    first, *others = name.split(".")
    layer = 0 if first in _INPUTS else depth + 1
    if first == "blocks":
        layer = int(others[0]) + 1
    scale = settings.layer_decay ** (depth + 1 - layer)
    return scale * settings.patch_embed_lr if first == "patch_embed" else scale


def set_schedule(optimizer: torch.optim.Optimizer, step: int, total: int, settings: recipes.OptimizerSettings) -> None:
    """Sets learning rate and weight decay of a step."""
    rate, decay = learning_rate(step, total, settings), cosine(*settings.weight_decay, step / max(total - 1, 1))
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"] if step >= group["first_step"] else 0.0
        group["weight_decay"] = decay if group["decays"] else 0.0


def clip_gradients(optimizer: torch.optim.Optimizer, largest: float) -> None:
    """Scales the gradients of each part down to a norm of at most ``largest``."""
    parts: dict[str, list[nn.Parameter]] = defaultdict(list)
    for group in optimizer.param_groups:
        parts[group["part"]] += group["params"]
    for parameters in parts.values():
        nn.utils.clip_grad_norm_(parameters, largest)


class Lamb(torch.optim.Optimizer):
    """Adam whose step on each decaying tensor has the tensor's norm (arXiv 1904.00962).

    Source: NVIDIA/apex ``optimizers/fused_lamb.py`` and ``csrc/multi_tensor_lamb.cu``, lines 110-117 and 210-217.

    Args:
        params: Groups.
        lr: Learning rate.
        betas: Decay rates of the two moments.
        eps: Beside the root of the second moment.
        weight_decay: Share of the tensor that is added to its step before the norm is taken.
    """

    def __init__(
        self, params: Any, lr: float, betas: tuple[float, float], eps: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

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
            weight_norm, update_norm = parameter.norm(), update.norm()
            usable = (weight_norm > 0) & (update_norm > 0)
            update.mul_(torch.where(usable, weight_norm / update_norm, torch.ones_like(weight_norm)))
        parameter.sub_(update, alpha=group["lr"])
