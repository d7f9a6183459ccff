"""Linear depth: what it adds to the common flow.

One forward of an image and one of its mirror image give the errors with and without the evaluation crop, and with and
without flip averaging. The protocol's own combination is the score; the others stand beside it, each by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmark.backbones.spec import BackboneSpec
from benchmark.data.depth import DepthSplit
from benchmark.errors import DataError
from benchmark.features.frozen import FrozenFeatures
from benchmark.metric import RMSE
from benchmark.metrics import evaluation_crop
from benchmark.metrics.depth import DEPTH_SUMS, depth_sums, scores_from_sums
from benchmark.probing.dense import dense_runner
from benchmark.probing.gallery import depth_steps, rgb
from benchmark.probing.run_record import Cell
from benchmark.probing.train import Probe
from benchmark.probing.training_features import Batch
from benchmark.protocols.depth import DepthProtocol, DepthTest
from benchmark.records.per_image import DEPTH_ERRORS
from benchmark.samples.depth import DepthSample, test_sample, train_sample
from heads import GradientLoss, LinearDepthHead, SigLoss


@dataclass(frozen=True)
class Variant:
    """A way to score the same predictions."""

    name: str
    """``""`` for the protocol's own, else what it leaves out: ``no_crop``, ``no_flip``, ``no_crop_no_flip``."""

    crop: str
    """Evaluation crop."""

    flip: bool
    """Whether the mirror image's prediction is averaged in."""


def variants(settings: DepthTest) -> tuple[Variant, ...]:
    """Lists the ways to score that differ under a protocol, its own first."""
    crops = dict.fromkeys((settings.evaluation_crop, "none"))
    flips = dict.fromkeys((settings.flip != "none", False))
    found = []
    for flip in flips:
        for crop in crops:
            left_out = ["no_crop"] if crop != settings.evaluation_crop else []
            left_out += ["no_flip"] if flip != (settings.flip != "none") else []
            found.append(Variant("_".join(left_out), crop, flip))
    return tuple(found)


class DepthTask:
    """Linear depth over bins, scored by the RMSE of each image, averaged over images; see ``probing/dense.py``.

    Args:
        settings: The protocol.
        spec: Patch size and preprocessing of the backbone.
    """

    metric = RMSE
    known_pixel = "has a depth"
    scored_pixel = "has a depth within the range and the evaluation crop"
    gallery_kind = "depth"

    def __init__(self, settings: DepthProtocol, spec: BackboneSpec) -> None:
        self.settings = settings
        self.variants = variants(settings.test)
        self.statistics_shape = (len(self.variants), len(DEPTH_SUMS))
        self.statistics_dtype = torch.float64
        self._preprocessing = spec.preprocessing
        self._patch_size = spec.patch_size
        loss = settings.loss
        # Without ``max_depth``, as in the sources: the range says what is scored, and a thousandth of KITTI's
        # measurements lies beyond its 80 m.
        self._sig = SigLoss(
            group_size=loss.group,
            warm_up=loss.warmup_iterations,
            mean_weight=loss.mean_weight,
            epsilon=loss.epsilon,
        )
        self._gradient = GradientLoss(group_size=loss.group, epsilon=loss.epsilon)

    def make_head(self, features: FrozenFeatures) -> LinearDepthHead:
        """Makes a head with fresh weights."""
        head, (nearest, farthest) = self.settings.head, self.settings.data.depth_range
        return LinearDepthHead(
            features.backbone.spec.embed_dim,
            layers=len(features.settings.layers),
            cls_token=self.settings.features.with_cls,
            min_depth=nearest,
            max_depth=farthest,
            bins=head.bins,
            upsample=head.upsample,
            norm=head.batch_norm,
            init=head.init,
        )

    def train_sample(self, split: DepthSplit) -> Callable[[int], DepthSample]:
        """Returns a function from an index to an augmented sample."""
        return train_sample(split, self.settings.train, self._preprocessing)

    def test_sample(self, split: DepthSplit) -> Callable[[int], DepthSample]:
        """Returns a function from an index to a whole image with its depth.

        The function raises DataError for one that the evaluation crop leaves nothing of.
        """
        load, crop = test_sample(split, self.settings.test, self._preprocessing), self.settings.test.evaluation_crop

        def sample(index: int) -> DepthSample:
            found = load(index)
            try:
                evaluation_crop(crop, *found.depth.shape)
            except ValueError as error:
                raise DataError(f"{split.root / split.names[index]}: {error}") from error
            return found

        return sample

    def target(self, sample: DepthSample) -> Tensor:
        """Returns the depth (H, W) of a sample."""
        return sample.depth

    def known(self, target: Tensor) -> Tensor:
        """Returns the metres (n,) of the pixels where something was measured."""
        return target[target > 0]

    def scored(self, target: Tensor) -> bool:
        """Tells whether some pixel is scored."""
        return bool(_inside(self._valid(target), self.settings.test.evaluation_crop).any())

    def collate(self, samples: list[DepthSample]) -> Batch:
        """Puts samples into a batch; the target is (B, 1, H, W) metres."""
        return Batch(
            images=torch.stack([sample.image for sample in samples]),
            target=torch.stack([sample.depth for sample in samples])[:, None],
        )

    def loss(self, prediction: Tensor, target: Tensor, update: int) -> Tensor:
        """Returns SigLoss of the prediction resized to the target, and the gradient loss where it has a weight."""
        resized = self._resized(prediction, target.shape[-2:])
        loss = self._sig(resized, target, iteration=update)
        weight = self.settings.loss.gradient_weight
        return loss + weight * self._gradient(resized, target) if weight else loss

    @torch.no_grad()
    def measure(self, sample: DepthSample, probes: list[Probe], features: FrozenFeatures) -> Tensor:
        """Returns the sums (probes, variants, len(DEPTH_SUMS)) of one image, float64."""
        head_inputs = self._head_inputs(sample, features)
        depth = sample.depth.to(features.device)
        valid = self._valid(depth)
        inside = {variant.crop: _inside(valid, variant.crop) for variant in self.variants}
        depths = [probe.head(*head_inputs) for probe in probes]
        predictions = {
            variant.flip: torch.stack([self._predict(maps, depth.shape, flip=variant.flip) for maps in depths])
            for variant in self.variants
        }
        sums = [depth_sums(depth, predictions[variant.flip], valid=inside[variant.crop]) for variant in self.variants]
        return torch.stack(sums, dim=1)

    @torch.no_grad()
    def picture(self, sample: DepthSample, probe: Probe, features: FrozenFeatures) -> tuple[NDArray, ...]:
        """Returns image, depth where it counts and predicted depth, to be looked at."""
        flip = self.settings.test.flip != "none"
        predicted = self._predict(probe.head(*self._head_inputs(sample, features)), sample.depth.shape, flip=flip)
        counted = _inside(self._valid(sample.depth), self.settings.test.evaluation_crop)
        target = depth_steps(sample.depth * counted)
        return rgb(sample.image, self._preprocessing), target, depth_steps(predicted)

    def _head_inputs(self, sample: DepthSample, features: FrozenFeatures) -> tuple[Tensor, ...]:
        """Runs the backbone on an image, and on its mirror image where the protocol asks for it."""
        images = sample.image[None]
        return features.head_inputs(
            torch.cat((images, images.flip(-1))) if self.settings.test.flip != "none" else images
        )

    def _valid(self, depth: Tensor) -> Tensor:
        nearest, farthest = self.settings.data.depth_range
        return (depth > nearest) & (depth < farthest)

    def _predict(self, depths: Tensor, size: torch.Size, *, flip: bool) -> Tensor:
        """Maps a head's depths of an image and its mirror image to metres at the ground truth's size, (H, W)."""
        settings, bounds = self.settings.test, self.settings.data.depth_range
        if not flip:
            depths = depths[:1]
        if settings.clamp == "before_resize":
            depths = depths.clamp(*bounds)
        if settings.flip == "after_resize":
            depths = self._resized(depths, size)
        depth = (depths[:1] + depths[1:].flip(-1)) / 2 if flip else depths
        if settings.flip != "after_resize":
            depth = self._resized(depth, size)
        if settings.clamp == "after_resize":
            depth = depth.clamp(*bounds)
        return depth[0, 0] if settings.cap is None else depth[0, 0].clamp_max(settings.cap)

    def _resized(self, depths: Tensor, size: torch.Size) -> Tensor:
        """Resizes depths (B, 1, h, w), which cover an image padded to whole patches, to the image (H, W)."""
        if not self.settings.test.crop_padding:
            return F.interpolate(depths, size=tuple(size), mode="bilinear", align_corners=False)
        padded = [-(-length // self._patch_size) * self._patch_size for length in size]
        whole = F.interpolate(depths, size=padded, mode="bilinear", align_corners=False)
        top, left = ((full - length) // 2 for full, length in zip(padded, size, strict=True))
        return whole[..., top : top + size[0], left : left + size[1]]

    def score(self, statistics: np.ndarray) -> float:
        """Returns the RMSE of sums (images, variants, K), metres; nan if no image has a valid depth."""
        return scores_from_sums(statistics[:, 0])["rmse"]

    def metrics(self, statistics: np.ndarray) -> dict[str, Any]:
        """Returns all errors of sums (seeds, images, variants, K), means over the seeds.

        Beside the protocol's own, ``variants`` holds the same errors without evaluation crop or flip averaging.
        """
        each = [_mean_scores(statistics[:, :, number]) for number in range(len(self.variants))]
        others = {variant.name: scores for variant, scores in zip(self.variants[1:], each[1:], strict=True)}
        rmse = [self.score(seed) for seed in statistics]
        return {**each[0], "rmse_seeds": rmse, "variants": others}

    def per_image(self, names: list[str], statistics: np.ndarray) -> pd.DataFrame:
        """Lays sums (seeds, images, variants, K) out as one row per image, head seed and variant."""
        seeds, images, ways, _ = statistics.shape
        seed, image, way = (axis.ravel() for axis in np.indices((seeds, images, ways)))
        sums = dict(zip(DEPTH_SUMS, statistics.reshape(-1, len(DEPTH_SUMS)).T, strict=True))
        own = [variant.name or "protocol" for variant in self.variants]
        keys = {"image": np.asarray(names)[image], "head_seed": seed, "variant": np.asarray(own)[way]}
        return DEPTH_ERRORS.table(keys | sums)


def _inside(valid: Tensor, crop: str) -> Tensor:
    """Returns the valid pixels (H, W) within an evaluation crop."""
    rows, columns = evaluation_crop(crop, *valid.shape)
    inside = torch.zeros_like(valid)
    inside[rows, columns] = valid[rows, columns]
    return inside


def _mean_scores(sums: np.ndarray) -> dict[str, float]:
    """Returns the scores of (seeds, images, K) sums, each the mean over the seeds."""
    scores = [scores_from_sums(seed) for seed in sums]
    return {name: type(scores[0][name])(np.mean([score[name] for score in scores])) for name in scores[0]}


def _task(settings: DepthProtocol, cell: Cell) -> DepthTask:
    return DepthTask(settings, cell.backbone.spec)


RUNNER = dense_runner(_task)
