"""Makes the shards that are missing: one backbone pass, one shard in memory, whatever was finished before kept."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from benchmark.atomic import atomic_write
from benchmark.distributed import World
from benchmark.errors import DataError, DenseBenchError, RecordError
from benchmark.features.plan import Plan, Shard, read_shards, shard_path
from benchmark.progress import Progress, size
from benchmark.run_options import OnBadImage

Encoded = tuple[int, Mapping[str, Tensor] | DenseBenchError]
"""Index of an image with its values by column, on the CPU, or with what is wrong with it."""

Encode = Callable[[Sequence[int]], Iterator[Encoded]]
"""From indices of images to what the backbone says of each, in the same order. It is called once for all shards a
process makes, so it may keep loader workers and whole batches going from the first image to the last."""

_MARGIN = 256_000_000  # bytes of the disk that are left to others


def fill(
    folder: Path,
    plan: Plan,
    encode: Encode,
    *,
    label: str,
    world: World,
    on_bad_image: OnBadImage,
    extra_bytes: int = 0,
) -> list[Shard]:
    """Makes every shard of ``folder`` that is not there; on return all are, for every process.

    Args:
        folder: Where they lie; it exists, and nobody else writes there.
        plan: What they hold.
        encode: The backbone on the images.
        label: What messages begin with.
        world: The processes that share the work.
        on_bad_image: What to do with an image that cannot be read.
        extra_bytes: Room the caller needs besides.

    Raises:
        DataError: An image that cannot be read, a value the number format cannot hold.
        RecordError: The disk has not the room, or a shard cannot be written.
    """
    shards = read_shards(folder, plan)
    done = [shard for shard in shards if shard is not None]
    if on_bad_image == "error":
        refuse_skipped([entry for shard in done for entry in shard.skipped], label)
    missing = [number for number, shard in enumerate(shards) if shard is None]
    images = sum(len(plan.images(number)) for number in missing)
    if world.is_main:
        remove_temporary_files(folder)
    if world.is_main and missing:
        print(_announcement(folder, plan, label))
        refuse_small_disk(folder, images * plan.row_bytes + extra_bytes, label)
    world.barrier()  # all have looked at the same shards before one of them writes
    mine = world.share(missing)
    if mine:
        _make(folder, plan, encode, mine, plan.count - images, label=label, world=world, on_bad_image=on_bad_image)
    world.barrier()
    made = read_shards(folder, plan)
    lost = next((number for number, shard in enumerate(made) if shard is None), None)
    if lost is not None:
        raise RecordError(f"{shard_path(folder, lost)} was written and is not there or damaged; is the disk sound?")
    if sum(shard.rows for shard in made) == 0:
        raise DataError(f"{label}: none of {plan.count:,} images can be read; the first: {made[0].skipped[0][1]}")
    return made


def remove_temporary_files(folder: Path) -> None:
    """Deletes what killed processes left behind; a lock or another hidden file is none of it."""
    for name in ("*.safetensors", "manifest.json"):
        for path in folder.glob(f".{name}.*"):
            path.unlink()


def refuse_skipped(skipped: Sequence[tuple[int, str]], label: str) -> None:
    """Raises DataError that names the first of the images that were left out, if any were."""
    if skipped:
        more = f" ({len(skipped):,} such images)" if len(skipped) > 1 else ""
        raise DataError(
            f"{label}: the features were made without an image: {skipped[0][1]}{more}; mend it, or leave it out with "
            "--on-bad-image skip"
        )


def refuse_small_disk(folder: Path, needed: int, label: str) -> None:
    """Raises RecordError if the disk of ``folder`` has no room for ``needed`` bytes and a margin."""
    free = shutil.disk_usage(folder).free
    if free < needed + _MARGIN:
        raise RecordError(
            f"{label}: {size(needed)} are still to be written to {folder}, and its disk has {size(free)} free "
            f"({size(_MARGIN)} must stay free): make room, for example with `densebench data cache --prune`, or take "
            "another disk"
        )


def _make(
    folder: Path,
    plan: Plan,
    encode: Encode,
    numbers: Sequence[int],
    done: int,
    *,
    label: str,
    world: World,
    on_bad_image: OnBadImage,
) -> None:
    """Makes this process's shards."""
    indices = [index for number in numbers for index in plan.images(number)]
    progress = Progress(done + len(indices), f"{label} images", done=done, quiet=not world.is_main)
    encoded = _in_order(indices, encode(indices), progress)
    for number in numbers:
        with torch.no_grad():
            tensors, skipped = _collect(plan, number, encoded, label, on_bad_image)
        _write(folder, plan, number, tensors, skipped)
    progress.close()


def _in_order(indices: Sequence[int], encoded: Iterator[Encoded], progress: Progress) -> Iterator[Encoded]:
    """Counts what comes, and sees that it is what was asked for."""
    for index in indices:
        came = next(encoded, None)
        if came is None or came[0] != index:
            raise RuntimeError(f"image {index} was to be encoded; what came is {came and came[0]}")
        progress.advance()
        yield came


def _collect(
    plan: Plan, number: int, encoded: Iterator[Encoded], label: str, on_bad_image: OnBadImage
) -> tuple[dict[str, Tensor], list[tuple[int, str]]]:
    """Takes the images of one shard off the stream; returns their values and (index, reason) of what was left out."""
    images, kept, skipped = plan.images(number), [], []
    dtype = getattr(torch, plan.dtype)
    tensors = {name: torch.empty((len(images), *shape), dtype=dtype) for name, shape in plan.columns.items()}
    for index, values in itertools.islice(encoded, len(images)):
        if isinstance(values, DenseBenchError):
            if on_bad_image == "error":
                raise values
            print(f"{label}: left out: {values}", file=sys.stderr)
            skipped.append((index, str(values)))
        else:
            for name, tensor in tensors.items():
                if values[name].shape != tensor.shape[1:]:
                    raise RuntimeError(f"{name}: {tuple(values[name].shape)} came, not {tuple(tensor.shape[1:])}")
                tensor[len(kept)] = values[name]
            kept.append(index)
    tensors = {name: tensor[: len(kept)] for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        _refuse_not_finite(name, tensor, kept, plan.dtype, label)
    return tensors, skipped


def _refuse_not_finite(name: str, tensor: Tensor, images: Sequence[int], dtype: str, label: str) -> None:
    fine = tensor.isfinite().flatten(1).all(1)
    if fine.all():
        return
    image = images[int(fine.logical_not().nonzero()[0])]
    if dtype == "float16":
        raise DataError(
            f"{label}: {name} of image {image} holds values beyond 65504 or no numbers, which float16 cannot keep; "
            "use features.dtype=float32 (extract: --dtype float32)"
        )
    raise DataError(
        f"{label}: {name} of image {image} holds NaN or infinity; look at the weights with `densebench check`"
    )


def _write(folder: Path, plan: Plan, number: int, tensors: dict[str, Tensor], skipped: list[tuple[int, str]]) -> None:
    path = shard_path(folder, number)
    metadata = {"first": str(plan.images(number).start), "skipped": json.dumps(skipped)}
    try:
        with atomic_write(path) as file:
            file.write(safetensors.torch.save(tensors, metadata))
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written: {error.strerror}; shards that are finished are kept: make room and give the "
            "same command again"
        ) from error


def _announcement(folder: Path, plan: Plan, label: str) -> str:
    total = size(plan.count * plan.row_bytes)
    return f"{label}: {plan.count:,} images x {plan.values:,} values in {plan.dtype} = {total} to {folder}"
