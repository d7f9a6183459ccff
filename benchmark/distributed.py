"""Several processes on one cell: the backbone's work is shared, the numbers are not changed.

Each process loads and encodes every N-th image of a batch; the features are gathered in their order, and every process
trains the same heads on the whole batch. So batch norm needs no synchronisation, the batch size stays the global one,
and nothing is padded or counted twice. Scored images are shared out the same way, and their counts gathered.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from benchmark.errors import DenseBenchError, SharedError

T = TypeVar("T")

_TORCHRUN = "TORCHELASTIC_RUN_ID"  # set by torchrun for its processes; schedulers set WORLD_SIZE on their own account
_LAUNCHED = "DENSEBENCH_LAUNCHED"


@dataclass(frozen=True)
class World:
    """The processes that work on one cell."""

    rank: int = 0
    """Number of this process."""

    size: int = 1
    """Number of processes."""

    @property
    def is_main(self) -> bool:
        """Whether this process prints and writes."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Returns this process's items: every ``size``-th, from ``rank`` on."""
        return items[self.rank :: self.size]

    def gather(self, part: Tensor, total: int) -> Tensor:
        """Puts the shares of all processes together in order.

        Args:
            part: (items of this process, ...).
            total: Items of all processes.

        Returns:
            (total, ...), the same on every process.
        """
        if self.size == 1:
            return part
        whole = part.new_empty((total, *part.shape[1:]))
        for rank in range(self.size):
            count = len(range(rank, total, self.size))
            if count == 0:
                continue
            piece = part.contiguous() if rank == self.rank else part.new_empty((count, *part.shape[1:]))
            dist.broadcast(piece, src=rank)
            whole[rank :: self.size] = piece
        return whole

    def sum(self, number: int, device: torch.device) -> int:
        """Adds up a number over all processes."""
        if self.size == 1:
            return number
        total = torch.tensor(number, device=device)
        dist.all_reduce(total)
        return int(total)

    def gather_objects(self, value: T) -> list[T]:
        """Returns the ``value`` of every process, any object that can be pickled, in the order of their numbers."""
        if self.size == 1:
            return [value]
        box: list[Any] = [None] * self.size
        dist.all_gather_object(box, value)
        return box

    def together(self, prepare: Callable[[], T]) -> T:
        """Returns what ``prepare`` returns, if it does on every process.

        Raises:
            SharedError: What the first of them raised that failed, at all of them.
        """
        if self.size == 1:
            return prepare()
        value, error = None, None
        try:
            value = prepare()
        except (DenseBenchError, OSError) as problem:
            error = problem
        errors = self.gather_objects(None if error is None else (socket.gethostname(), str(error)))
        rank, found = next(((rank, found) for rank, found in enumerate(errors) if found), (0, None))
        if found is None:
            return value
        raise SharedError(f"{found[1]} (process {rank} on {found[0]})" if rank else found[1])

    def refuse_different_input(self, said: Mapping[str, Any], shown: Mapping[str, str] | None = None) -> None:
        """Compares what the processes are about to work on.

        Processes with other weights, data or seeds would give a number that looks like any other.

        Args:
            said: By the name a message has for it; the fields of a section are compared one by one.
            shown: What a message shows in place of a value, where that tells more: paths may differ.

        Raises:
            SharedError: They differ, at all of them; the message names the first field that does.
        """
        own = _Said(socket.gethostname(), _fields(said), dict(shown or {}))
        first, *others = self.gather_objects(own)
        for rank, other in enumerate(others, start=1):
            for field in dict.fromkeys((*first.fields, *other.fields)):
                if first.fields.get(field) != other.fields.get(field):
                    raise SharedError(
                        f"the processes of this run differ in {field}: process 0 on {first.tell(field)}, process "
                        f"{rank} on {other.tell(field)}; start them with the same command on the same files and code"
                    )

    def broadcast_object(self, value: T) -> T:
        """Gives every process the leader's ``value``, any object that can be pickled."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def barrier(self) -> None:
        """Waits until every process is here."""
        if self.size > 1:
            dist.barrier()

    def sync_(self, tensors: Iterable[Tensor]) -> None:
        """Gives every process the leader's values, should kernels have rounded differently."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)


class _Said(NamedTuple):
    """What a process is about to work on."""

    host: str
    fields: dict[str, Any]
    shown: dict[str, str]

    def tell(self, field: str) -> str:
        """Says which process has what."""
        return f"{self.host} has {self.shown.get(field, self.fields.get(field, 'nothing'))}"


def _fields(said: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Flattens sections: ``{"recipe": {"seed": 1}}`` becomes ``{"recipe.seed": 1}``."""
    found: dict[str, Any] = {}
    for name, value in said.items():
        whole = f"{section}{name}"
        found |= _fields(value, f"{whole}.") if isinstance(value, Mapping) else {whole: value}
    return found


@contextmanager
def process_group(device: torch.device) -> Iterator[World]:
    """Joins the processes that torchrun started, or stays alone."""
    size = int(os.environ["WORLD_SIZE"]) if _TORCHRUN in os.environ else 1
    if size == 1:
        yield World()
        return
    # Its functions have the process group as a default value. Optimisers import it at their first step: then the group
    # would live on, and its threads could abort the interpreter at its end.
    import torch.distributed.nn.functional  # noqa: F401, PLC0415

    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


def launch(processes: int, words: Sequence[str]) -> int:
    """Runs ``densebench`` with ``words`` in several processes of this machine; returns the exit code."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, _LAUNCHED: "1"}
    return subprocess.run([*command, "-m", "benchmark", *words], env=environment, check=False).returncode


def is_launched() -> bool:
    """Tells whether ``launch`` started this process."""
    return _LAUNCHED in os.environ


def is_first() -> bool:
    """Tells whether this process is alone, or the first of those that torchrun started."""
    return _TORCHRUN not in os.environ or os.environ["RANK"] == "0"


def writes_tables() -> bool:
    """Tells whether this process writes the tables: alone, or the first of a torchrun that a user started."""
    return not is_launched() and is_first()
