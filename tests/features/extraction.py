"""A process that fills a store of ten images, for tests that kill it, start it twice, or run it under torchrun.

extraction.py STORE STOP_AT PAUSE      waits for ever at image STOP_AT, and PAUSE seconds at every other
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmark.distributed import World, process_group
from benchmark.features import plan
from benchmark.features.address import Address
from benchmark.features.filling import Encoded
from benchmark.features.store import FeatureStore

_SHAPES = {"cls.1": (3,), "patches.1": (4, 3)}
_ADDRESS = Address(
    checkpoint_sha256="a" * 64,
    spec={"depth": 2, "preprocessing": {"mean": (0.5, 0.5, 0.5)}},
    images="f" * 16,
    count=10,
    view={"resize": 256, "crop": 224, "filter": "bicubic"},
    norm=True,
    precision="float32",
    dtype="float32",
)


def _extract(store: Path, stop_at: int, pause: float, world: World) -> int:
    """Returns how many images this process encoded."""
    encoded = []

    def encode(indices: Sequence[int]) -> Iterator[Encoded]:
        for index in indices:
            if index == stop_at:
                print("stopped", flush=True)
                time.sleep(600)
            time.sleep(pause)
            encoded.append(index)
            yield index, {"cls.1": torch.full((3,), index + 0.5), "patches.1": torch.full((4, 3), -float(index))}

    note = {"model": "vit", "data": "photos train"}
    FeatureStore(store).get(_ADDRESS, list(_SHAPES), encode, make=_SHAPES, label="train", note=note, world=world)
    return len(encoded)


if __name__ == "__main__":
    plan.SHARD_IMAGES = 3
    with process_group(torch.device("cpu")) as joined_world:
        made = _extract(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), joined_world)
    sys.stdout.write(f"made {made}\n")
