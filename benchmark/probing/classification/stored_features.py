"""Stored features of labelled images: the one extraction that every classification benchmark on a dataset reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from benchmark.data.classification import LabelledImages
from benchmark.data.manifest import fingerprint
from benchmark.errors import ProtocolError
from benchmark.features.address import Address
from benchmark.features.encode import column_shapes, encode_columns
from benchmark.features.feature_set import FeatureSet
from benchmark.features.frozen import FrozenBackbone
from benchmark.probing.job import Job
from benchmark.protocols.classification import ImageView, StoredFeatures
from benchmark.samples.classification import view_sample

# One pass gives what any of the benchmarks may ask for, whichever comes first: [CLS] of the last four blocks and the
# mean patch of the last one, which is what DINOv2's linear probe reads.
_SHARED_BLOCKS = 4
_BATCH = 64


@dataclass(frozen=True)
class LabelledFeatures:
    """Stored features of N images and their classes."""

    features: FeatureSet
    """Where they are read from."""

    rows: Tensor
    """(N,) int64: which rows of ``features``."""

    labels: Tensor
    """(N,) int64 class of each image."""

    names: tuple[str, ...]
    """Paths of the images relative to ``root``."""

    num_classes: int
    """Classes of the training split."""

    last: int
    """Number of the backbone's last block."""

    tokens: int
    """Patch tokens of an image."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Sequence[int] | Tensor) -> LabelledFeatures:
        """Returns some of the images, in the order of ``rows``."""
        chosen = torch.as_tensor(rows, dtype=torch.int64)
        names = tuple(self.names[row] for row in chosen.tolist())
        return replace(self, rows=self.rows[chosen], labels=self.labels[chosen], names=names)

    def cls(self) -> Tensor | list[Tensor]:
        """Returns [CLS] (N, D) of the last block in the stored number format: memory-mapped shards where all are in."""
        whole = torch.equal(self.rows, torch.arange(len(self.features)))
        return self.features.shards(f"cls.{self.last}") if whole else self.read_cls()

    def read_cls(self) -> Tensor:
        """Reads [CLS] (N, D) of the last block into memory, in the stored number format."""
        return self.features.read(f"cls.{self.last}", self.rows)

    def pooled(self, blocks: int, rows: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
        """Reads [CLS] of the last blocks (n, blocks, D), the last one last, and the mean patch (n, D), float32."""
        chosen = self.rows[rows]
        cls = [self.features.read(f"cls.{self.last - back}", chosen) for back in reversed(range(blocks))]
        return torch.stack(cls, 1).float(), self.features.read(f"mean.{self.last}", chosen).float()


def encode_split(
    split: LabelledImages,
    settings: StoredFeatures,
    view: ImageView,
    encoder: FrozenBackbone,
    job: Job,
    *,
    blocks: int = 1,
    mean: bool = False,
) -> LabelledFeatures:
    """Returns stored features of a split, after one pass of the backbone if nobody has made it.

    Args:
        split: The images.
        settings: Norm, precision and number format.
        view: How an image becomes the backbone's input.
        encoder: The frozen backbone.
        job: The store, and what to do with an image that cannot be read.
        blocks: How many of the last blocks' [CLS] are needed.
        mean: Whether the last block's mean patch is.

    Raises:
        DataError: An image that cannot be read.
        ProtocolError: A backbone of fewer blocks.
    """
    spec = encoder.backbone.spec
    if blocks > spec.depth:
        raise ProtocolError(f"[CLS] of the last {blocks} blocks is asked for; {spec.arch} has {spec.depth}")
    last = spec.depth - 1
    needed, shared = (
        [*(f"cls.{last - back}" for back in range(count)), *([f"mean.{last}"] if with_mean else [])]
        for count, with_mean in ((blocks, mean), (min(max(_SHARED_BLOCKS, blocks), spec.depth), True))
    )
    sample = view_sample(split, view, spec.preprocessing)
    address = Address(
        checkpoint_sha256=encoder.backbone.source.sha256,
        spec=asdict(spec),
        images=fingerprint(split.files, split.root),
        count=len(split),
        view=view.model_dump(mode="json"),
        norm=settings.norm,
        precision=settings.precision,
        dtype=settings.dtype,
    )
    features = job.store.get(
        address,
        needed,
        encode_columns(
            encoder,
            lambda index: sample(index).image,
            shared,
            norm=settings.norm,
            precision=settings.precision,
            batch_size=_BATCH,
            workers=job.workers,
        ),
        make=column_shapes(spec, shared, (view.crop, view.crop)),
        label=f"{job.label} {split.name}",
        note={"model": job.model, "data": f"{split.dataset.name} {split.name}"},
        world=encoder.world,
        on_bad_image=job.on_bad_image,
    )
    kept, names = features.rows, split.names
    return LabelledFeatures(
        features,
        rows=torch.arange(len(kept)),
        labels=torch.from_numpy(split.labels)[kept],
        names=tuple(names[row] for row in kept.tolist()),
        num_classes=len(split.classes),
        last=last,
        tokens=math.ceil(view.crop / spec.patch_size) ** 2,
    )
