"""Several processes on one cell: the backbone's work is shared, the numbers are not changed.

Each process loads and encodes every N-th image of a batch; the features are gathered in their order, and every process
trains the same heads on the whole batch. So batch norm needs no synchronisation, the batch size stays the global one,
and nothing is padded or counted twice. Scored images are shared out the same way, and their counts gathered.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

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
    def leads(self) -> bool:
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

    def tell(self, value: T) -> T:
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

    def agree(self, tensors: Iterable[Tensor]) -> None:
        """Gives every process the leader's values, should kernels have rounded differently."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
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
