"""One pass over the pictures, all statistics: memory does not grow with their number, but for four bytes per patch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.analysis.attention import attention_map, attention_shares
from benchmark.analysis.block_points import BLOCK_POINTS, early_middle_late
from benchmark.analysis.cosines import token_cosines
from benchmark.analysis.hooks import hooked
from benchmark.analysis.pca import principal_maps
from benchmark.analysis.pictures import Picture
from benchmark.analysis.running_stats import RunningStats, merge_by_name
from benchmark.backbones import Tokens, VisionTransformer, ViTSpec
from benchmark.doctor.examine import OUTLIER_FACTOR
from benchmark.errors import CheckpointError
from benchmark.samples.images import normalised

LARGEST_PATCHES = 5
"""Number of patches of largest norm, of each image, whose dimensions are measured (figure 4)."""

Key = tuple[str, str]
"""A point of a block and a statistic."""


@dataclass(frozen=True)
class Norms:
    """Euclidean norms of the tokens after the last block, before the final norm."""

    cls: NDArray[np.float32]
    """(images,)."""

    patches: NDArray[np.float32]
    """(images * N,)."""

    registers: NDArray[np.float32]
    """(images * R,), empty without registers."""

    @property
    def median(self) -> float:
        """Median norm of a patch."""
        return float(np.median(self.patches))

    @property
    def outliers(self) -> float:
        """Share of the patches whose norm exceeds ``OUTLIER_FACTOR`` medians."""
        return float((self.patches > OUTLIER_FACTOR * self.median).mean())


@dataclass(frozen=True)
class Magnitudes:
    """Absolute values by dimension, after a block; over images."""

    cls: RunningStats
    """(D,)."""

    patches: RunningStats
    """(LARGEST_PATCHES, D): of the patches of largest norm of each image, the largest first."""


@dataclass(frozen=True)
class Maps:
    """Maps of one picture."""

    principal: NDArray[np.float64]
    """(h, w, 3), see ``principal_maps``; patches after the final norm."""

    attention: NDArray[np.float64]
    """(h, w), see ``attention_map``; last block."""


@dataclass(frozen=True)
class TokenStatistics:
    """What was measured on the tokens of one checkpoint."""

    images: int
    depth: int
    by_point: dict[Key, RunningStats]
    """Per point and statistic: over images, of (depth + 1,) values, the blocks' and their mean."""

    magnitudes: dict[int, Magnitudes]
    """By block, early, middle and late."""

    norms: Norms
    maps: tuple[Maps, ...]
    """Of the first pictures."""


def measure(
    vit: VisionTransformer, batches: Iterable[Sequence[Picture]], *, device: torch.device, shown: int
) -> TokenStatistics:
    """Runs a model over pictures.

    Args:
        vit: Frozen, on ``device``.
        batches: Pictures (S, S, 3) BGR, a few at a time; at least one, and at least two patches in each.
        device: Where the model is.
        shown: Pictures, from the first on, of which maps are made.

    Raises:
        CheckpointError: A token is NaN or infinite.
        InputSizeError: S is not a multiple of the patch size.
    """
    accumulator = _Accumulator(vit.spec, shown)
    for pictures in batches:
        images = torch.stack([normalised(picture, vit.spec.preprocessing) for picture in pictures]).to(device)
        batch = _BatchStatistics(vit.spec)
        with torch.inference_mode(), hooked(vit, batch.add_tokens, batch.add_attention):
            [tokens] = vit.tokens(images)
        accumulator.add(batch, tokens)
    return accumulator.result()


class _BatchStatistics:
    """Reduces the tokens of a batch while the model runs."""

    def __init__(self, spec: ViTSpec) -> None:
        self.spec = spec
        self.first_patch = 1 + spec.num_registers
        self.by_block: dict[Key, list[Tensor]] = {}
        self.magnitudes: dict[int, tuple[Tensor, Tensor]] = {}
        self.norms: Tensor
        self.attention: Tensor

    def add_tokens(self, block: int, point: str, sequence: Tensor) -> None:
        cls, patches = sequence[:, 0], sequence[:, self.first_patch :]
        cls_patch, patch_patch = token_cosines(cls, patches)
        self._append(point, cls_patch=cls_patch, patch_patch=patch_patch)
        norms = torch.linalg.vector_norm(sequence, dim=-1)
        patch_norms = norms[:, self.first_patch :]
        self._append(
            point, cls_norm=norms[:, 0], patch_norm=patch_norms.mean(1), largest_patch_norm=patch_norms.amax(1)
        )
        if self.spec.num_registers:
            self._append(point, register_norm=norms[:, 1 : self.first_patch].mean(1))
        if point == "output":
            if block in early_middle_late(self.spec.depth):
                largest = patch_norms.topk(min(LARGEST_PATCHES, patches.shape[1])).indices
                chosen = patches.gather(1, largest[:, :, None].expand(-1, -1, patches.shape[2]))
                self.magnitudes[block] = cls.abs(), chosen.abs()
            self.norms = norms  # of the last block in the end

    def add_attention(self, block: int, attention: Tensor) -> None:
        shares = attention_shares(attention, self.spec.num_registers, has_bias=self.spec.attention_bias)
        self._append("attn", **{f"cls_attention_to_{kind}": share for kind, share in shares.items()})
        self.attention = attention  # of the last block in the end

    def by_point(self) -> dict[Key, RunningStats]:
        """Returns the statistics over the batch's images; the mean over blocks is appended to the blocks."""
        stats = {}
        for key, blocks in self.by_block.items():
            values = torch.stack(blocks, dim=1).double().cpu()
            stats[key] = RunningStats.of(torch.cat((values, values.mean(1, keepdim=True)), dim=1).numpy())
        return stats

    def maps(self, tokens: Tokens, count: int) -> list[Maps]:
        """Makes the maps of the first ``count`` pictures."""
        attention = attention_map(self.attention[:count], self.spec.num_registers, tokens.grid).double().cpu().numpy()
        return [
            Maps(principal_maps(patches, tokens.grid), image_attention)
            for patches, image_attention in zip(tokens.patches[:count], attention, strict=True)
        ]

    def _append(self, point: str, **values: Tensor) -> None:
        for statistic, per_image in values.items():
            self.by_block.setdefault((point, statistic), []).append(per_image)


class _Accumulator:
    """Statistics of all batches so far."""

    def __init__(self, spec: ViTSpec, shown: int) -> None:
        self.spec, self.shown = spec, shown
        self.images = 0
        self.by_point: dict[Key, RunningStats] = {}
        self.cls: dict[int, RunningStats] = {}
        self.patches: dict[int, RunningStats] = {}
        self.norms: list[NDArray[np.float32]] = []
        self.maps: list[Maps] = []

    def add(self, batch: _BatchStatistics, tokens: Tokens) -> None:
        stats = batch.by_point()
        _refuse_non_finite(stats)
        self.images += len(tokens.cls)
        self.by_point = merge_by_name(self.by_point, stats)
        for block, (cls, patches) in batch.magnitudes.items():
            self.cls |= merge_by_name(self.cls, {block: RunningStats.of(cls.cpu().numpy())})
            self.patches |= merge_by_name(self.patches, {block: RunningStats.of(patches.cpu().numpy())})
        self.norms.append(batch.norms.float().cpu().numpy())
        self.maps += batch.maps(tokens, max(self.shown - len(self.maps), 0))

    def result(self) -> TokenStatistics:
        norms = np.concatenate(self.norms)
        first = 1 + self.spec.num_registers
        return TokenStatistics(
            images=self.images,
            depth=self.spec.depth,
            by_point=self.by_point,
            magnitudes={block: Magnitudes(self.cls[block], self.patches[block]) for block in self.cls},
            norms=Norms(norms[:, 0], norms[:, first:].ravel(), norms[:, 1:first].ravel()),
            maps=tuple(self.maps),
        )


def _refuse_non_finite(by_point: dict[Key, RunningStats]) -> None:
    bad = [
        (int(block), BLOCK_POINTS.index(point))
        for (point, _), stats in by_point.items()
        for block in np.flatnonzero(~np.isfinite(stats.mean[:-1]))
    ]
    if bad:
        block, point = min(bad)
        raise CheckpointError(
            f"tokens are NaN or infinite from block {block} on (first at {BLOCK_POINTS[point]}); `densebench check` "
            "says more"
        )
