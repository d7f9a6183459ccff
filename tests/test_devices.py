"""Devices, and the processes that load images beside them."""

from __future__ import annotations

import os

import pytest
import torch

from benchmark.devices import loader_processes


@pytest.mark.parametrize(
    ("given", "device", "cores", "processes", "expected"),
    [
        (None, "cpu", 64, 1, 0),
        (None, "cuda", 64, 1, 8),
        (None, "cuda", 12, 4, 3),
        (None, "cuda", 2, 4, 1),
        (3, "cpu", 64, 1, 3),
        (0, "cuda", 64, 1, 0),
    ],
)
def test_images_are_loaded_by_as_many_processes_as_cores_allow(
    given: int | None,
    device: str,
    cores: int,
    processes: int,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert loader_processes(given, torch.device(device), processes) == expected
