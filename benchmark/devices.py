"""Which device to use."""

from __future__ import annotations

import os

import torch

from benchmark.errors import UsageError


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Returns the arithmetic of a backbone: float32, or autocast to bfloat16 or float16."""
    dtype = getattr(torch, precision)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def loader_processes(given: int | None, device: torch.device, processes: int) -> int:
    """Returns how many processes load images: ``given``, or none beside a CPU backbone and up to eight beside a GPU.

    Args:
        given: What the user asked for, if anything.
        device: Of the backbone.
        processes: Processes of the run, which share this machine's cores.
    """
    if given is not None:
        return given
    return 0 if device.type == "cpu" else min(8, max(1, (os.cpu_count() or 1) // processes))


def choose_device(name: str) -> torch.device:
    """Turns ``auto``, ``cpu`` or ``cuda`` into a device; each process that torchrun starts gets a GPU of its own.

    Raises:
        UsageError: CUDA is asked for and not there, or there are fewer GPUs than processes.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and there == 0):
        return torch.device("cpu")
    if there == 0:
        raise UsageError("--device cuda: PyTorch sees no CUDA device here; use --device cpu")
    number = int(os.environ.get("LOCAL_RANK", "0"))
    if number >= there:
        raise UsageError(f"{there} GPUs are too few; use --gpus {there} or --device cpu")
    device = torch.device("cuda", number)
    torch.cuda.set_device(device)
    return device
