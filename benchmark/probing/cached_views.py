"""The cached dense protocol: a few fixed augmented views of every training image, encoded once for any number of heads.

View v of image i is row i K + v of the store. Its augmentation is drawn from (v, i), so that every seed, head and
learning rate trains on the same views; the targets hold for any backbone and are stored once for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from benchmark.data.manifest import fingerprint
from benchmark.data.split import Split
from benchmark.features.address import Address
from benchmark.features.encode import column_shapes, encode_columns
from benchmark.features.filling import Encode, Encoded
from benchmark.features.frozen import FrozenFeatures
from benchmark.probing.job import Job
from benchmark.probing.train import Example, Examples
from benchmark.probing.training_features import Batch
from benchmark.samples.loader import numpy_seeded, ordered_batches
from benchmark.samples.sample_order import SampleOrder

_BATCH = 16


def stored_views(
    view: Callable[[int], Batch],
    settings: Any,
    images: Sequence[int],
    features: FrozenFeatures,
    job: Job,
    *,
    held_out: frozenset[int] = frozenset(),
) -> Examples:
    """Returns examples read from the store, after one pass over all views if nobody has made it.

    Args:
        view: From an index to an augmented image with its target, a batch of one; draws from numpy's generator.
        settings: The protocol's training section.
        images: Images to train on.
        features: The frozen backbone.
        job: Images, seed and places.
        held_out: Places in ``images`` of those that choose among settings.
    """
    views, split, device = settings.stored.views, job.data.train, features.device

    def load(row: int) -> Batch:
        index, number = divmod(row, views)
        with numpy_seeded(number, index):
            return view(index)

    given, spec = features.settings, features.backbone.spec
    blocks = [block % spec.depth for block in given.layers]
    columns = [f"patches.{block}" for block in blocks] + [f"cls.{block}" for block in blocks if features.with_cls]
    first = load(images[0] * views)
    size = tuple(first.images.shape[-2:])
    target = _address(settings, split, views, dtype=_name(first.target))
    frozen = Address(
        **{
            **asdict(target),
            "checkpoint_sha256": features.backbone.source.sha256,
            "spec": asdict(spec),
            "norm": given.norm,
            "precision": given.precision,
            "dtype": settings.stored.dtype,
        }
    )
    note = {"data": f"{split.dataset.name} {split.name}, {views} views"}
    seen = job.store.get(
        frozen,
        columns,
        encode_columns(
            features,
            lambda row: load(row).images[0],
            columns,
            norm=given.norm,
            precision=given.precision,
            batch_size=_BATCH,
            workers=job.workers,
        ),
        make=column_shapes(spec, columns, size),
        label=f"{job.label} views",
        note={"model": job.model, **note},
        world=features.world,
    )
    targets = job.store.get(
        target,
        ["target"],
        _encode_targets(load, job.workers),
        make={"target": tuple(first.target.shape[1:])},
        label=f"{job.label} targets",
        note={"model": "(any)", **note},
        world=features.world,
    )
    grid = tuple(-(-side // spec.patch_size) for side in size)

    def read(rows: list[int]) -> tuple[tuple[Tensor, ...], Tensor]:
        maps = [seen.read(f"patches.{block}", rows).to(device).float() for block in blocks]
        parts = [torch.cat([tokens.transpose(1, 2).unflatten(2, grid) for tokens in maps], dim=1)]
        if features.with_cls:
            parts.append(torch.cat([seen.read(f"cls.{block}", rows).to(device).float() for block in blocks], dim=1))
        return tuple(parts), targets.read("target", rows).to(device)

    held_rows = frozenset(place * views + number for place in held_out for number in range(views))
    order = SampleOrder(len(images) * views, settings.batch_size, job.seed, held_rows)

    def examples(steps: range) -> Iterator[Example]:
        for step in steps:
            drawn = [divmod(order.index(place), views) for place in order.places(step)]
            yield Example.of(*read([images[index] * views + number for index, number in drawn]), order, step)

    return examples


def _address(settings: Any, split: Split, views: int, *, dtype: str) -> Address:
    """Returns where the targets of the views lie: whatever the backbone is, they are the same."""
    augmentation = settings.model_dump(mode="json", exclude={"iterations", "batch_size", "stored"})
    return Address(
        checkpoint_sha256="",
        spec={},
        images=split.dataset.fingerprint(fingerprint(split.files, split.root)),  # targets depend on what labels mean
        count=len(split) * views,
        view={"dataset": split.dataset.name, "views": views, **augmentation},
        norm=False,
        precision="float32",
        dtype=dtype,
    )


def _encode_targets(load: Callable[[int], Batch], workers: int) -> Encode:
    def encode(rows: Sequence[int]) -> Iterator[Encoded]:
        for batch in ordered_batches(lambda row: load(row).target[0], rows, batch_size=_BATCH, workers=workers):
            good = iter(batch.images if batch.images is not None else ())
            for row in batch.indices:
                yield row, batch.errors[row] if row in batch.errors else {"target": next(good)}

    return encode


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
