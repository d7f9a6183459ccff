"""One pass over the pictures, all statistics: memory does not grow with their number, but for four bytes per patch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.analysis.attention import attention_map, attention_shares
from benchmark.analysis.cosines import token_cosines
from benchmark.analysis.inside import watched
from benchmark.analysis.moments import Moments, join
from benchmark.analysis.pca import principal_maps
from benchmark.analysis.pictures import Picture
from benchmark.analysis.places import PLACES, stages
from benchmark.backbones import Tokens, VisionTransformer, ViTSpec
from benchmark.backbones.examine import OUTLIER_FACTOR
from benchmark.data.images import normalised
from benchmark.errors import CheckpointError

HIGHEST = 5
"""Patches of largest norm whose dimensions are looked at, per image (figure 4)."""

Key = tuple[str, str]
"""A place and a statistic."""


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

    cls: Moments
    """(D,)."""

    patches: Moments
    """(HIGHEST, D): of the patches of largest norm of each image, the largest first."""


@dataclass(frozen=True)
class Maps:
    """What is shown of single pictures."""

    principal: NDArray[np.float64]
    """(h, w, 3), see ``principal_maps``; patches after the final norm."""

    attention: NDArray[np.float64]
    """(h, w), see ``attention_map``; last block."""


@dataclass(frozen=True)
class Measured:
    """What a checkpoint's tokens look like."""

    images: int
    depth: int
    streams: dict[Key, Moments]
    """Per place and statistic: moments over images of (depth + 1,) values, the blocks' and their mean."""

    magnitudes: dict[int, Magnitudes]
    """By block, early, middle and late."""

    norms: Norms
    maps: tuple[Maps, ...]
    """Of the first pictures."""


def measure(
    vit: VisionTransformer, batches: Iterable[Sequence[Picture]], *, device: torch.device, shown: int
) -> Measured:
    """Runs a model over pictures.

    Args:
        vit: Frozen, on ``device``.
        batches: Pictures (S, S, 3) BGR, a few at a time; at least one, and at least two patches in each.
        device: Where the model is.
        shown: Pictures, from the first on, of which maps are made.

    Raises:
        CheckpointError: A token is NaN or infinite.
        InputSizeError: S is no multiple of the patch size.
    """
    gathered = _Gathered(vit.spec, shown)
    for pictures in batches:
        images = torch.stack([normalised(picture, vit.spec.preprocessing) for picture in pictures]).to(device)
        batch = _Batch(vit.spec)
        with torch.inference_mode(), watched(vit, batch.see_tokens, batch.see_attention):
            [tokens] = vit.tokens(images)
        gathered.add(batch, tokens)
    return gathered.measured()


class _Batch:
    """Reduces the tokens of a batch while the model runs."""

    def __init__(self, spec: ViTSpec) -> None:
        self.spec = spec
        self.first_patch = 1 + spec.num_registers
        self.found: dict[Key, list[Tensor]] = {}
        self.magnitudes: dict[int, tuple[Tensor, Tensor]] = {}
        self.norms: Tensor
        self.attention: Tensor

    def see_tokens(self, block: int, place: str, sequence: Tensor) -> None:
        cls, patches = sequence[:, 0], sequence[:, self.first_patch :]
        of_cls, between = token_cosines(cls, patches)
        self._keep(place, cls_patch=of_cls, patch_patch=between)
        norms = torch.linalg.vector_norm(sequence, dim=-1)
        of_patches = norms[:, self.first_patch :]
        self._keep(place, cls_norm=norms[:, 0], patch_norm=of_patches.mean(1), largest_patch_norm=of_patches.amax(1))
        if self.spec.num_registers:
            self._keep(place, register_norm=norms[:, 1 : self.first_patch].mean(1))
        if place == "output":
            if block in stages(self.spec.depth):
                highest = of_patches.topk(min(HIGHEST, patches.shape[1])).indices
                chosen = patches.gather(1, highest[:, :, None].expand(-1, -1, patches.shape[2]))
                self.magnitudes[block] = cls.abs(), chosen.abs()
            self.norms = norms  # of the last block in the end

    def see_attention(self, block: int, attention: Tensor) -> None:
        shares = attention_shares(attention, self.spec.num_registers, has_bias=self.spec.attention_bias)
        self._keep("attn", **{f"cls_attention_to_{kind}": share for kind, share in shares.items()})
        self.attention = attention

    def moments(self) -> dict[Key, Moments]:
        """Returns the moments over the batch's images; the mean over blocks is appended to the blocks."""
        streams = {}
        for key, by_block in self.found.items():
            values = torch.stack(by_block, dim=1).double().cpu()
            streams[key] = Moments.of(torch.cat((values, values.mean(1, keepdim=True)), dim=1).numpy())
        return streams

    def maps(self, tokens: Tokens, count: int) -> list[Maps]:
        """Makes the maps of the first ``count`` pictures."""
        seen = attention_map(self.attention[:count], self.spec.num_registers, tokens.grid).double().cpu().numpy()
        return [
            Maps(principal_maps(patches, tokens.grid), attention)
            for patches, attention in zip(tokens.patches[:count], seen, strict=True)
        ]

    def _keep(self, place: str, **values: Tensor) -> None:
        for statistic, found in values.items():
            self.found.setdefault((place, statistic), []).append(found)


class _Gathered:
    """What was found in all batches so far."""

    def __init__(self, spec: ViTSpec, shown: int) -> None:
        self.spec, self.shown = spec, shown
        self.images = 0
        self.streams: dict[Key, Moments] = {}
        self.cls: dict[int, Moments] = {}
        self.patches: dict[int, Moments] = {}
        self.norms: list[NDArray[np.float32]] = []
        self.maps: list[Maps] = []

    def add(self, batch: _Batch, tokens: Tokens) -> None:
        moments = batch.moments()
        _refuse_non_finite(moments)
        self.images += len(tokens.cls)
        self.streams = join(self.streams, moments)
        absolute = {block: [each.cpu().numpy() for each in pair] for block, pair in batch.magnitudes.items()}
        self.cls = join(self.cls, {block: Moments.of(pair[0]) for block, pair in absolute.items()})
        self.patches = join(self.patches, {block: Moments.of(pair[1]) for block, pair in absolute.items()})
        self.norms.append(batch.norms.float().cpu().numpy())
        self.maps += batch.maps(tokens, max(self.shown - len(self.maps), 0))

    def measured(self) -> Measured:
        norms = np.concatenate(self.norms)
        first = 1 + self.spec.num_registers
        return Measured(
            images=self.images,
            depth=self.spec.depth,
            streams=self.streams,
            magnitudes={block: Magnitudes(self.cls[block], self.patches[block]) for block in self.cls},
            norms=Norms(norms[:, 0], norms[:, first:].ravel(), norms[:, 1:first].ravel()),
            maps=tuple(self.maps),
        )


def _refuse_non_finite(moments: dict[Key, Moments]) -> None:
    bad = [
        (int(block), PLACES.index(place))
        for (place, _), found in moments.items()
        for block in np.flatnonzero(~np.isfinite(found.mean[:-1]))
    ]
    if bad:
        block, place = min(bad)
        raise CheckpointError(
            f"tokens are NaN or infinite from block {block} on (first at {PLACES[place]}); `densebench check` says more"
        )
