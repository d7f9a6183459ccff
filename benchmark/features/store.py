"""Features by content: found where they were computed before, else computed once and kept."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmark.cache import VARIABLE
from benchmark.distributed import World
from benchmark.errors import RecordError
from benchmark.features.address import Address, columns_key
from benchmark.features.feature_set import FeatureSet
from benchmark.features.filling import Encode, fill, refuse_skipped
from benchmark.features.lock import lock_of
from benchmark.features.manifest import NAME, FeatureManifest, read_manifest, write_manifest
from benchmark.features.plan import Plan, read_shards
from benchmark.run_options import OnBadImage

_POLL_S = 0.5


class FeatureStore:
    """Features under a root folder; see the package's docstring for what lies where.

    Args:
        root: `features_folder` of ``benchmark/cache.py``, or another folder; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, address: Address, columns: Collection[str]) -> FeatureSet | None:
        """Returns complete features that hold all ``columns``, maybe more; None if there are none."""
        for folder in sorted((self.root / address.key).glob("*/")):
            manifest = read_manifest(folder)
            if manifest is None or not manifest.complete or not set(columns) <= set(manifest.plan.columns):
                continue
            if None not in read_shards(folder, manifest.plan):
                return FeatureSet(folder, manifest)
        return None

    def get(
        self,
        address: Address,
        columns: Collection[str],
        encode: Encode,
        *,
        make: Mapping[str, tuple[int, ...]],
        label: str,
        note: Mapping[str, str],
        world: World | None = None,
        on_bad_image: OnBadImage = "error",
    ) -> FeatureSet:
        """Returns features that hold ``columns``, after computing them if nobody has.

        If another process computes the same features, this one waits for it. Every process of ``world`` must call it
        with the same arguments.

        Args:
            address: What they are of.
            columns: Names of the columns that are needed.
            encode: The backbone on the images; called only where something is missing. It gives the columns of
                ``make``.
            make: Shape of one image's values by column, of all columns that are computed if there is a need;
                ``columns`` are among them.
            label: What messages begin with.
            note: What a listing shows: ``model`` and ``data``. No part of the address.
            world: The processes that share the work.
            on_bad_image: What to do with an image that cannot be read.

        Raises:
            DataError: An image that cannot be read or, with "error", was left out before; or a value that the number
                format cannot hold.
            RecordError: The disk has not the room, or the store cannot be written.
        """
        if not set(columns) <= set(make):
            raise ValueError(f"make={sorted(make)} lacks some of columns={sorted(columns)}")
        world = world or World()
        folder = self.root / address.key / columns_key(make)
        with self._turn(address, columns, folder, label, world) as found:
            if not found:
                manifest = _begin(folder, Plan.of(make, address.dtype, address.count), address, note, world)
                shards = fill(folder, manifest.plan, encode, label=label, world=world, on_bad_image=on_bad_image)
                if world.is_main:
                    _save(folder, manifest.completed(shards))
                world.barrier()
        features = world.together(lambda: self._found(address, columns, folder))
        if on_bad_image == "error":
            refuse_skipped(features.skipped, label)
        if world.is_main:
            with contextlib.suppress(OSError):  # the time of use, which a store that is only read does not keep
                os.utime(features.folder / NAME)
        return features

    def _found(self, address: Address, columns: Collection[str], folder: Path) -> FeatureSet:
        features = self.find(address, columns)
        if features is None:
            raise RecordError(
                f"{folder} was deleted a moment ago, or not all processes see it; give the same command again, with a "
                f"folder in {VARIABLE} that every machine sees"
            )
        return features

    @contextmanager
    def _turn(
        self, address: Address, columns: Collection[str], folder: Path, label: str, world: World
    ) -> Iterator[bool]:
        """Yields True as soon as complete features are there, or False once this process may make them, alone.

        The leader looks and waits; the others learn from it at every try, so that no exchange lasts long.
        """
        lock, announced = lock_of(folder), False
        try:
            while True:
                found = world.is_main and self.find(address, columns) is not None
                mine = world.is_main and not found and lock.take()
                if mine:  # somebody may have finished between the two looks
                    found = self.find(address, columns) is not None
                found, mine = world.broadcast_object((found, mine))
                if found or mine:
                    break
                if world.is_main and not announced:
                    print(f"{label}: another process is making these features; waiting for it")
                    announced = True
                time.sleep(_POLL_S)
            if found:
                lock.give_back()
            yield found
        finally:
            lock.give_back()


def _begin(folder: Path, plan: Plan, address: Address, note: Mapping[str, str], world: World) -> FeatureManifest:
    """Returns the manifest of features that are being made, an earlier process's if it is of the same columns."""
    manifest = world.broadcast_object(
        world.together(lambda: _written(folder, plan, address, note) if world.is_main else None)
    )
    world.together(lambda: _refuse_another_folder(folder))
    return manifest


def _written(folder: Path, plan: Plan, address: Address, note: Mapping[str, str]) -> FeatureManifest:
    earlier = read_manifest(folder)
    if earlier is not None and (earlier.plan.columns, earlier.plan.count) == (plan.columns, plan.count):
        plan = earlier.plan  # its shards may have another size
    manifest = FeatureManifest(plan, address.as_json(), dict(note))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error
    _save(folder, manifest)
    return manifest


def _refuse_another_folder(folder: Path) -> None:
    """Raises RecordError where a process does not see what the main process has just written."""
    if read_manifest(folder) is None:
        raise RecordError(
            f"{folder} is not shared by all processes of this run; set {VARIABLE} to a folder that every machine sees"
        )


def _save(folder: Path, manifest: FeatureManifest) -> None:
    try:
        write_manifest(folder, manifest)
    except OSError as error:
        raise _not_writable(folder, error) from error


def _not_writable(folder: Path, error: OSError) -> RecordError:
    return RecordError(
        f"{folder} cannot be written: {error.strerror}; make room, or set {VARIABLE} to a folder that can be written"
    )
