"""Trained heads that another benchmark scores too: SUN RGB-D scores the head that NYU trains.

They lie in the cache, named by all that their training depends on: the protocol without its test, weights, training
images, seed, code and packages. Whichever benchmark comes first trains them; the other takes them where that record is
in the same results folder, and names it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmark.atomic import atomic_write
from benchmark.data.registry import DATASETS
from benchmark.data.split import data_fingerprint
from benchmark.distributed import World
from benchmark.probing.kept_heads import heads_folder
from benchmark.probing.run_record import Cell
from benchmark.records.environment import code_version, package_versions
from benchmark.records.schema import Record

_NOT_OF_TRAINING = ("test", "family", "published")


@dataclass(frozen=True)
class TrainedHeads:
    """The heads of one training, if they are kept at all."""

    path: Path
    record: str
    """Identity of the record that is being made."""

    records: frozenset[str]
    """Identities of successful records of the results folder, whose heads may be taken."""

    def load(self, heads: Sequence[nn.Module], world: World) -> str | None:
        """Gives heads the weights of an earlier training; returns the record it belongs to, None if there is none.

        A file that cannot be read is made anew.
        """
        state = world.broadcast_object(
            self._read(len(heads)) if world.is_main else None
        )  # the others may see other records
        if state is None:
            return None
        for head, weights in zip(heads, state["heads"], strict=True):
            head.load_state_dict(weights)
        return state["record"]

    def save(self, heads: Sequence[nn.Module]) -> None:
        """Keeps the heads of a training that has ended; where the cache cannot be written they are trained again."""
        state = {"record": self.record, "heads": [head.state_dict() for head in heads]}
        content = io.BytesIO()
        torch.save(state, content)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self.path) as file:
                file.write(content.getbuffer())
        except OSError as error:
            print(f"note: the trained heads are not kept, {self.path.parent} cannot be written: {error.strerror}")

    def _read(self, count: int) -> dict[str, Any] | None:
        if not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file can fail in any way
            print(f"{self.path} cannot be read and is made anew: {type(error).__name__}")
            return None
        known = isinstance(state, dict) and state.get("record") in self.records
        return state if known and len(state.get("heads", ())) == count else None


def trained_heads(
    cell: Cell, record: str, records: Sequence[Record], folder: Path | None = None
) -> TrainedHeads | None:
    """Returns the place of a cell's heads, None where no other benchmark trains on the same dataset.

    Args:
        cell: The cell.
        record: Identity of the record that is being made.
        records: Of the results folder, where heads may be taken from; none trains anew.
        folder: Where heads are kept; None takes the user's cache.
    """
    folder, dataset = folder or heads_folder(), cell.data.train.dataset.name
    if folder is None or all(each.trained_on != dataset for each in DATASETS.values()):
        return None
    fields = {key: value for key, value in cell.protocol.fields.items() if key not in _NOT_OF_TRAINING}
    fields["data"] = {key: value for key, value in fields["data"].items() if key != "val"}
    depends_on = [
        fields,
        cell.backbone.source.sha256,
        asdict(cell.backbone.spec),
        data_fingerprint([cell.data.train]),
        cell.seed,
        cell.limit,
        code_version(),
        package_versions(),
    ]
    key = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:24]
    done = frozenset(each.id for each in records if each.status == "success")
    return TrainedHeads(folder / f"{key}.pt", record, done)
