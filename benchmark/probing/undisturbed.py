"""A piece of work inside somebody else's program: it finds a fresh process's settings and leaves those it found.

Numbers must not depend on what a training loop has set (autocast, TF32, a default dtype), nor the training on what was
drawn and set meanwhile.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

_FULL = ("none", "ieee")  # what PyTorch calls float32 that is not rounded


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """Puts this process's settings back at the end, whatever happens.

    These are the random states of Python, NumPy and PyTorch (CPU, and CUDA where it is in use), cuDNN's flags, the
    precision of float32, deterministic algorithms, gradient and inference mode, autocast, default dtype and device, and
    the current GPU. Inside, they are those of a fresh process, and what ``torch.compile`` has wrapped runs as written.

    Args:
        device: Where the work is done; made the current GPU if it is one.
    """
    with ExitStack() as stack:
        stack.enter_context(_random_states())
        stack.enter_context(_float32_as_it_is())
        stack.enter_context(_cudnn_and_defaults())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, torch.bfloat16, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if device.type == "cuda":
            stack.enter_context(torch.cuda.device(device))
        yield


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Puts every submodule into evaluation mode, and each back into its own.

    The flags are set by themselves: a module's own ``train()`` may do more, and need not undo what ``eval()`` did.
    """
    modes = [(each, each.training) for each in module.modules()]
    try:
        for each, _ in modes:
            each.training = False
        yield
    finally:
        for each, mode in modes:
            each.training = mode


@contextmanager
def _random_states() -> Iterator[None]:
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    there = torch.cuda.is_available()
    cuda = torch.cuda.get_rng_state_all() if there and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        elif there:  # GPUs not in use yet: as the last torch.manual_seed left them
            torch.cuda.manual_seed_all(torch.initial_seed())


@contextmanager
def _cudnn_and_defaults() -> Iterator[None]:
    cudnn, dtype = torch.backends.cudnn, torch.get_default_dtype()
    flags = {name: getattr(cudnn, name) for name in ("enabled", "benchmark", "deterministic")}
    deterministic = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        cudnn.enabled, cudnn.benchmark = True, False
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(False)
        yield
    finally:
        for name, value in flags.items():
            setattr(cudnn, name, value)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic, warn_only=warns)


@contextmanager
def _float32_as_it_is() -> Iterator[None]:
    """PyTorch keeps this twice, by an older interface for all and by a newer one for each operation."""
    backends = torch.backends
    places: tuple[Any, ...] = (
        *(backends, backends.cudnn, backends.mkldnn, backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn),
        *(backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn),
    )
    saved = [place.fp32_precision for place in places]  # those of a whole backend first: the others follow them
    matmul, convolution = torch.get_float32_matmul_precision(), _cudnn_allows_tf32()
    try:
        torch.set_float32_matmul_precision("highest")
        backends.cudnn.allow_tf32 = False
        for place in places:
            if place.fp32_precision not in _FULL:
                place.fp32_precision = "ieee"
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        backends.cudnn.allow_tf32 = convolution
        for place, precision in zip(places, saved, strict=True):
            if place.fp32_precision != precision:
                place.fp32_precision = precision


def _cudnn_allows_tf32() -> bool:
    """Returns the older flag; PyTorch's default where only the newer ones were set, when it refuses to say."""
    try:
        return torch.backends.cudnn.allow_tf32
    except RuntimeError:
        return True
