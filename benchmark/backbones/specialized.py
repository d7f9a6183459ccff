"""Layers with one copy for [CLS] and one for patches. They see the whole sequence and keep its order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SpecializedScale(nn.Module):
    """A LayerNorm or LayerScale split in two: it works on each token alone and is cheap.

    Args:
        cls: Copy for the first ``group`` tokens.
        patch: Copy for the rest.
        group: Tokens that go with [CLS]: 1, or 1 + registers.
    """

    def __init__(self, cls: nn.Module, patch: nn.Module, group: int) -> None:
        super().__init__()
        self.cls = cls
        self.patch = patch
        self.group = group

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D)."""
        # Overwriting a few rows costs less than joining two parts, which would copy the sequence.
        scaled = self.patch(sequence)
        scaled[:, : self.group] = self.cls(sequence[:, : self.group])
        return scaled


class SpecializedProduct(nn.Module):
    """A linear layer or MLP split in two.

    Each row of a single image is multiplied once, so it costs what the shared layer costs. In a batch the [CLS] rows
    pass through the patch copy too and are overwritten: that is one row in T, and cheaper than taking the sequence
    apart and joining it again, which copies it (a ViT-S forward of 8 x 224 px: 1.00 against 1.05 of the shared one's).

    Args:
        cls: Copy for the first ``group`` tokens.
        patch: Copy for the rest.
        group: Tokens that go with [CLS]: 1, or 1 + registers.
    """

    def __init__(self, cls: nn.Module, patch: nn.Module, group: int) -> None:
        super().__init__()
        self.cls = cls
        self.patch = patch
        self.group = group

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, D) to (B, T, D')."""
        if self._is_one_layer(sequence):
            return self.patch(sequence)
        first = self.cls(sequence[:, : self.group])
        if len(sequence) == 1:
            return torch.cat((first, self.patch(sequence[:, self.group :])), dim=1)
        product = self.patch(sequence)
        product[:, : self.group] = first
        return product

    def _is_one_layer(self, sequence: Tensor) -> bool:
        """Tells whether the halves are equal, so that one product serves both.

        A BLAS rounds a row by how many rows stand beside it, so two products would differ from the shared layer's one
        by rounding, and a checkpoint just specialised would not be its parent. Comparing halves that differ ends at
        their first numbers. It is left out where it would cost: on a GPU, in training, in a compiled graph.
        """
        trains = torch.is_grad_enabled() and any(parameter.requires_grad for parameter in self.parameters())
        if sequence.device.type != "cpu" or trains or torch.compiler.is_compiling():
            return False
        halves = zip(self.cls.parameters(), self.patch.parameters(), strict=True)
        return all(torch.equal(ours, theirs) for ours, theirs in halves)


class LowRankLinear(nn.Linear):
    """A shared linear layer and a low-rank addition for the tokens that go with [CLS], ``W x + b + B A x``.

    The paper's cheap variant of a split: ``rank * (inputs + outputs)`` parameters instead of a full copy.

    Args:
        inputs: Width of the input.
        outputs: Width of the output.
        bias: Whether the shared layer has a bias.
        rank: Rank of the addition.
        group: Tokens that go with [CLS].
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool, rank: int, group: int) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.lora_a = nn.Parameter(torch.zeros(rank, inputs))
        self.lora_b = nn.Parameter(torch.zeros(outputs, rank))
        self.group = group

    def forward(self, sequence: Tensor) -> Tensor:
        """Maps (B, T, inputs) to (B, T, outputs)."""
        projected = super().forward(sequence)
        projected[:, : self.group] += F.linear(F.linear(sequence[:, : self.group], self.lora_a), self.lora_b)
        return projected
