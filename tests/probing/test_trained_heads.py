"""Heads of one training that several benchmarks score."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmark.distributed import World
from benchmark.probing.trained_heads import TrainedHeads


def test_the_main_process_says_whether_heads_may_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results folder need not be shared: a process that sees other records would train while the others score."""
    trained, leads, other = (torch.nn.Linear(2, 2) for _ in range(3))
    TrainedHeads(tmp_path / "a.pt", "first", frozenset()).save([trained])
    told = []
    monkeypatch.setattr(
        World, "broadcast_object", lambda world, state: told.append(state) or state if world.is_main else told[-1]
    )
    assert TrainedHeads(tmp_path / "a.pt", "second", frozenset(["first"])).load([leads], World(0, 2)) == "first"
    assert TrainedHeads(tmp_path / "a.pt", "second", frozenset()).load([other], World(1, 2)) == "first"
    assert torch.equal(leads.weight, trained.weight)
    assert torch.equal(other.weight, trained.weight)
    assert TrainedHeads(tmp_path / "a.pt", "second", frozenset()).load([other], World(0, 2)) is None
    assert TrainedHeads(tmp_path / "a.pt", "second", frozenset(["first"])).load([other], World(1, 2)) is None
