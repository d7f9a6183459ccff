"""What a backbone does with images, whatever its family: statistics of its tokens, and checks that they make sense."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.backbones.base import Backbone
from benchmark.backbones.tokens import Tokens
from benchmark.devices import autocast

# "High-norm" in arXiv 2309.16588 is an absolute cut-off for one model; relative to the median it serves any.
OUTLIER_FACTOR = 4.0
_PROBED_PATCHES = 8


@dataclass(frozen=True)
class NormStatistics:
    """Euclidean norms of last-layer tokens before the final norm, over images and positions."""

    cls: float
    """Mean norm of [CLS]."""

    registers: float | None
    """Mean norm of the registers; None without registers."""

    patches: float
    """Median norm of the patches."""

    largest_patch: float
    """Largest norm of a patch."""

    outliers: float
    """Share of patches whose norm exceeds ``OUTLIER_FACTOR`` medians."""


@dataclass(frozen=True)
class Drift:
    """How far tokens under autocast are from those in float32, last layer, after the final norm; NaN where it fails."""

    cls_cosine: float
    """Mean cosine of [CLS] tokens."""

    patch_cosine: float
    """Mean cosine of patch tokens."""

    worst_patch_cosine: float
    """Smallest cosine of a patch token."""

    @property
    def overflows(self) -> bool:
        """Whether tokens were NaN or infinite."""
        return math.isnan(self.cls_cosine) or math.isnan(self.patch_cosine)


@torch.no_grad()
def norm_statistics(backbone: Backbone, images: Tensor) -> NormStatistics:
    """Measures token norms on images (B, 3, H, W), normalised."""
    [tokens] = backbone.tokens(images, norm=False)
    patches = tokens.patches.norm(dim=-1).flatten()
    median = patches.median()
    return NormStatistics(
        cls=float(tokens.cls.norm(dim=-1).mean()),
        registers=float(tokens.registers.norm(dim=-1).mean()) if tokens.registers.numel() else None,
        patches=float(median),
        largest_patch=float(patches.max()),
        outliers=float((patches > OUTLIER_FACTOR * median).float().mean()),
    )


@torch.no_grad()
def precision_drift(backbone: Backbone, images: Tensor, precision: str) -> Drift:
    """Compares tokens under autocast to ``precision``, bfloat16 or float16, with float32 ones."""
    [exact] = backbone.tokens(images)
    with autocast(images.device, precision):
        [rough] = backbone.tokens(images)
    patches = F.cosine_similarity(exact.patches, rough.patches.float(), dim=-1)
    return Drift(
        cls_cosine=float(F.cosine_similarity(exact.cls, rough.cls.float(), dim=-1).mean()),
        patch_cosine=float(patches.mean()),
        worst_patch_cosine=float(patches.min()),
    )


@torch.no_grad()
def is_finite(backbone: Backbone, images: Tensor) -> bool:
    """Tells whether no token of the last layer is NaN or infinite."""
    return bool(torch.isfinite(_sequence(backbone.tokens(images)[0])).all())


@torch.no_grad()
def is_deterministic(backbone: Backbone, images: Tensor) -> bool:
    """Tells whether the same images give the same tokens twice, to the last bit."""
    first, second = (_sequence(backbone.tokens(images)[0]) for _ in range(2))
    return torch.equal(first, second)


@torch.no_grad()
def batch_dependence(backbone: Backbone, images: Tensor) -> float:
    """Returns how much an image's tokens change with the images beside it: largest difference over largest token."""
    together = _sequence(backbone.tokens(images)[0])
    alone = torch.cat([_sequence(backbone.tokens(image[None])[0]) for image in images])
    return float((together - alone).abs().max() / together.abs().max())


@torch.no_grad()
def contrast(backbone: Backbone, images: Tensor) -> tuple[float, float]:
    """Returns how much [CLS] and patches differ between images: mean distance of two images' tokens over mean norm.

    Near 0 means that a backbone sees nothing: wrong weights, a dead layer, images that never reach it.
    """
    [tokens] = backbone.tokens(images)
    return _contrast(tokens.cls), _contrast(tokens.patches.mean(1))


@torch.no_grad()
def patches_in_order(backbone: Backbone, image: Tensor) -> tuple[int, int]:
    """Adds noise to single patches of an image and looks which token of the first block moves most.

    Attention carries a patch to all tokens, the residual stream to its own.

    Args:
        backbone: Any backbone.
        image: (3, H, W), normalised, with H and W unlike, so that swapped axes show.

    Returns:
        (patches whose own token moved most, patches tried).
    """
    patch = backbone.spec.patch_size
    columns, rows = image.shape[2] // patch, image.shape[1] // patch
    generator = torch.Generator().manual_seed(0)
    places = torch.randperm(rows * columns, generator=generator)[:_PROBED_PATCHES].tolist()
    changed = [image]
    for place in places:
        top, left = patch * (place // columns), patch * (place % columns)
        changed.append(image.clone())
        noise = torch.randn(3, patch, patch, generator=generator).to(image.device)
        changed[-1][:, top : top + patch, left : left + patch] += noise
    [tokens] = backbone.tokens(torch.stack(changed), layers=(0,), norm=False)
    most = (tokens.patches[1:] - tokens.patches[:1]).norm(dim=-1).argmax(1).tolist()
    return sum(found == place for found, place in zip(most, places, strict=True)), len(places)


@torch.no_grad()
def seconds_per_image(
    backbone: Backbone, size: tuple[int, int], *, precision: str = "float32", rounds: int = 2
) -> float:
    """Times single images of ``size`` (height, width), rounded up to whole patches, and returns the fastest round."""
    patch = backbone.spec.patch_size
    height, width = (-(-length // patch) * patch for length in size)
    device = next(iter(backbone.parameters()), torch.empty(0)).device
    images = torch.zeros(1, 3, height, width, device=device)
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        with autocast(device, precision):
            [tokens] = backbone.tokens(images)
        float(tokens.cls.flatten()[0])  # waits for a GPU
        times.append(time.perf_counter() - begun)
    return min(times)


def _sequence(tokens: Tokens) -> Tensor:
    return torch.cat((tokens.cls[:, None], tokens.registers, tokens.patches), dim=1)


def _contrast(vectors: Tensor) -> float:
    distances = torch.pdist(vectors.float())
    return float(distances.mean() / vectors.float().norm(dim=-1).mean().clamp_min(1e-12))
