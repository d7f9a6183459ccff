"""Many linear classifiers trained on one pass: grouped by input, each group a single matrix product."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PooledInput = Literal["cls", "cls+mean"]

InputKey = tuple[int, PooledInput]
"""Number of last blocks whose [CLS] is taken, and whether the mean patch token of the last is appended."""


@dataclass(frozen=True)
class LinearProbe:
    """One classifier of the sweep: what it sees and how it is trained."""

    blocks: int
    """How many of the last blocks give their [CLS]."""

    input: PooledInput
    """[CLS] alone, or with the mean of the last block's patch tokens appended."""

    lr: float
    """Peak learning rate, as the update uses it: already scaled with the batch."""

    weight_decay: float = 0.0
    """Added, times the parameter, to the gradient; of the bias too, as ``torch.optim.SGD`` does."""

    @property
    def key(self) -> InputKey:
        """Name of its input."""
        return self.blocks, self.input


def pooled_inputs(cls: Tensor, mean: Tensor, keys: Iterable[InputKey]) -> dict[InputKey, Tensor]:
    """Puts the inputs of linear classifiers together.

    The order is that of ``create_linear_input`` in facebookresearch/dinov2 ``eval/linear.py``: [CLS] of the last n
    blocks in the order of the blocks, then the mean of the last block's patch tokens.

    Args:
        cls: (B, L, D), [CLS] of the last L blocks, the last one last.
        mean: (B, D), mean patch token of the last block.
        keys: Which inputs; repeated ones are made once.

    Returns:
        For each key, (B, n D) or (B, (n + 1) D).

    Raises:
        ValueError: Shapes do not fit, or an input needs more blocks than there are.
    """
    if cls.ndim != 3 or mean.shape != (cls.shape[0], cls.shape[2]):
        raise ValueError(f"cls must be (B, L, D) and mean (B, D), received {tuple(cls.shape)} and {tuple(mean.shape)}")
    inputs = {}
    for blocks, kind in dict.fromkeys(keys):
        if blocks > cls.shape[1]:
            raise ValueError(f"{blocks} blocks are asked for and {cls.shape[1]} given")
        of_cls = cls[:, cls.shape[1] - blocks :].flatten(1)
        inputs[blocks, kind] = torch.cat((of_cls, mean), dim=1) if kind == "cls+mean" else of_cls
    return inputs


class LinearProbes(nn.Module):
    """Linear classifiers with SGD, all updated by one call, each as if it were alone.

    The sum of the cross-entropies makes the classifiers independent: the gradient of one is that of its own loss, and
    one that diverges to nan leaves the others alone. Weights start from N(0, 0.01) with bias 0, drawn anew from
    ``seed`` for each classifier: those of one input start from the same weights, whatever is trained beside them.
    Source: ``LinearClassifier`` and ``AllClassifiers`` of facebookresearch/dinov2 ``eval/linear.py``, which loops over
    modules.

    The gradient of linear layers is a product of logit gradients and inputs, so no autograd is needed: the product is
    accumulated right into the momentum. Weights and momentum are all that is held, half of what autograd and
    ``torch.optim.SGD`` hold. Both are in ``state_dict()``, so training resumes where it was. Everything is float32,
    under autocast too.

    Args:
        probes: The classifiers, in the order of every output.
        embed_dim: Width D of a token.
        num_classes: Number of classes C.
        momentum: Decay rate of the summed gradients.
        seed: Of the initial weights.

    Raises:
        ValueError: No probes, or one that takes no blocks or an unknown input.
    """

    def __init__(
        self, probes: Sequence[LinearProbe], *, embed_dim: int, num_classes: int, momentum: float = 0.9, seed: int = 0
    ) -> None:
        super().__init__()
        if not probes:
            raise ValueError("there are no probes to train")
        self.probes = tuple(probes)
        self.num_classes = num_classes
        self.momentum = momentum
        members: dict[InputKey, list[int]] = {}
        for index, probe in enumerate(self.probes):
            if probe.blocks < 1 or probe.input not in ("cls", "cls+mean"):
                raise ValueError(f"a probe sees 1 or more blocks and 'cls' or 'cls+mean', received {probe}")
            members.setdefault(probe.key, []).append(index)
        self.keys = tuple(members)
        self._groups = nn.ModuleList(
            _Group(
                [self.probes[index] for index in indices],
                indices,
                width=embed_dim * (blocks + (kind == "cls+mean")),
                num_classes=num_classes,
                seed=seed,
            )
            for (blocks, kind), indices in members.items()
        )

    @torch.no_grad()
    def step(self, inputs: Mapping[InputKey, Tensor], labels: Tensor, *, factor: float) -> Tensor:
        """Updates every classifier on one batch.

        With g the gradient of the mean cross-entropy plus weight decay times parameter, the buffer becomes
        momentum * buffer + g, and the parameter loses lr * factor * buffer: ``torch.optim.SGD`` without dampening.

        Args:
            inputs: For each of ``keys``, (B, d); see ``pooled_inputs``. With several processes, of the whole batch.
            labels: (B,) int64 classes.
            factor: Of the schedule, on every learning rate.

        Returns:
            (P,) mean cross-entropy of each classifier before the update.
        """
        losses = labels.new_empty(len(self.probes), dtype=torch.float32)
        with torch.autocast(labels.device.type, enabled=False):  # half precision would lose the small gradients
            for key, group in zip(self.keys, self._groups, strict=True):
                losses[group.indices] = group.step(inputs[key].float(), labels, factor, self.momentum)
        return losses

    @torch.no_grad()
    def forward(self, inputs: Mapping[InputKey, Tensor], *, probes: Sequence[int] | None = None) -> Tensor:
        """Returns the logits (P, B, C) of all classifiers, or of the given ones in that order.

        Args:
            inputs: For each key of those classifiers, (B, d).
            probes: Their places in ``probes`` of the constructor.

        Raises:
            IndexError: There is no such classifier.
        """
        chosen = list(range(len(self.probes)) if probes is None else probes)
        if any(not 0 <= index < len(self.probes) for index in chosen):
            raise IndexError(f"probes are 0 to {len(self.probes) - 1}, received {chosen}")
        images = len(next(iter(inputs.values())))
        logits = self._groups[0].weight.new_empty((len(chosen), images, self.num_classes))
        with torch.autocast(logits.device.type, enabled=False):
            for key, group in zip(self.keys, self._groups, strict=True):
                places = [place for place, index in enumerate(chosen) if index in group.indices]
                if places:
                    members = [group.indices.index(chosen[place]) for place in places]
                    for place, scores in zip(places, group.logits(inputs[key].float(), members), strict=True):
                        logits[place] = scores
        return logits

    def diverged(self) -> list[bool]:
        """Tells for each classifier whether its weights are NaN or infinite."""
        gone = [False] * len(self.probes)
        for group in self._groups:
            finite = group.weight.isfinite().all(1) & group.bias.isfinite()
            for index, fine in zip(group.indices, finite.view(len(group.indices), -1).all(1).tolist(), strict=True):
                gone[index] = not fine
        return gone

    def logits_in_chunks(
        self, inputs: Mapping[InputKey, Tensor], *, rows: int, probes: Sequence[int] | None = None
    ) -> Iterator[Tensor]:
        """Yields the logits (P, n, C) of ``rows`` images at a time; inputs are (N, d), and may be memory-mapped."""
        device = next(self.buffers()).device
        total = len(next(iter(inputs.values())))
        for start in range(0, total, rows):
            yield self(
                {key: rows_of[start : start + rows].to(device) for key, rows_of in inputs.items()}, probes=probes
            )


class _Group(nn.Module):
    """The classifiers of one input: their weights one below the other, (P C, d)."""

    weight: Tensor
    bias: Tensor
    weight_momentum: Tensor
    bias_momentum: Tensor
    lr: Tensor
    weight_decay: Tensor

    def __init__(
        self, probes: Sequence[LinearProbe], indices: list[int], *, width: int, num_classes: int, seed: int
    ) -> None:
        super().__init__()
        self.indices = indices
        self.num_classes = num_classes
        self.decays = any(probe.weight_decay for probe in probes)
        first = torch.empty(num_classes, width).normal_(std=0.01, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("weight", first.repeat(len(probes), 1))
        self.register_buffer("bias", torch.zeros(len(probes) * num_classes))
        self.register_buffer("weight_momentum", torch.zeros_like(self.weight))
        self.register_buffer("bias_momentum", torch.zeros_like(self.bias))
        for name in ("lr", "weight_decay"):
            values = torch.tensor([getattr(probe, name) for probe in probes])
            self.register_buffer(name, values.repeat_interleave(num_classes), persistent=False)

    def step(self, rows: Tensor, labels: Tensor, factor: float, momentum: float) -> Tensor:
        """Updates the classifiers on rows (B, d) and returns their mean cross-entropies (P,)."""
        scores = F.linear(rows, self.weight, self.bias).view(len(rows), -1, self.num_classes)
        losses = _to_gradient(scores, labels)
        gradient = scores.flatten(1)
        self.weight_momentum.addmm_(gradient.T, rows, beta=momentum)
        self.bias_momentum.mul_(momentum).add_(gradient.sum(0))
        if self.decays:
            self.weight_momentum.addcmul_(self.weight, self.weight_decay[:, None])
            self.bias_momentum.addcmul_(self.bias, self.weight_decay)
        rates = self.lr * factor
        self.weight.addcmul_(self.weight_momentum, rates[:, None], value=-1)
        self.bias.addcmul_(self.bias_momentum, rates, value=-1)
        return losses

    def logits(self, rows: Tensor, members: Sequence[int]) -> Iterator[Tensor]:
        """Yields the logits (B, C) of some classifiers, by one product if they are all."""
        count = len(self.indices)
        if list(members) == list(range(count)):
            yield from F.linear(rows, self.weight, self.bias).view(len(rows), count, -1).unbind(1)
            return
        weights, biases = self.weight.view(count, self.num_classes, -1), self.bias.view(count, -1)
        for member in members:
            yield F.linear(rows, weights[member], biases[member])


def _to_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """Overwrites logits (B, P, C) with the gradient of the mean cross-entropy over B, and returns the latter (P,)."""
    logits -= logits.amax(2, keepdim=True)
    target = labels[:, None, None].expand(-1, logits.shape[1], 1)
    picked = logits.gather(2, target)
    logits.exp_()
    partition = logits.sum(2, keepdim=True)
    losses = (partition.log() - picked).mean((0, 2))
    logits /= partition * len(labels)
    logits.scatter_add_(2, target, torch.full_like(picked, -1 / len(labels)))
    return losses
