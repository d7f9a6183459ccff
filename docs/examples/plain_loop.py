"""A training in plain PyTorch that is evaluated on the way, and the curve of it.

``python docs/examples/plain_loop.py data results`` evaluates on NYU under ``data``. The training is a toy: put your own
model, batches and loss in its place. What belongs to the evaluation are the lines with ``evaluate`` and
``load_results``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from benchmark import evaluate, load_results
from benchmark.backbones import build_vit


def train(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], *, every: int, **evaluation: Any) -> list[float]:
    """Trains a backbone with a classifier on its [CLS], evaluates it every few steps, and returns the losses.

    Args:
        model: Has ``tokens(images)``; a function from images to tokens can be given to ``evaluate`` beside it.
        batches: Images (B, 3, H, W) and classes (B,).
        every: Steps between two evaluations.
        **evaluation: Arguments of ``evaluate``: ``benchmarks``, ``data_root``, ``results``, ``overrides``.
    """
    head = nn.LazyLinear(10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for step, (images, classes) in enumerate(batches, start=1):
        loss = nn.functional.cross_entropy(head(model(images)), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % every == 0:
            found = evaluate(model, name="toy", step=step, **evaluation)
            print(found)
    return losses


def curve(results: Path) -> pd.DataFrame:
    """Returns the scores of a results folder: one row for each step, one column for each benchmark."""
    return load_results(results).pivot_table(index="step", columns="benchmark", values="value")


def toy_batches(count: int) -> Iterable[tuple[Tensor, Tensor]]:
    """Yields noise, labelled at random."""
    for _ in range(count):
        yield torch.randn(4, 3, 56, 56), torch.randint(10, (4,))


if __name__ == "__main__":
    data, out = map(Path, sys.argv[1:3])
    vit = build_vit("Ti", image_size=56, seed=0)
    quick = ["train.iterations=200"]  # a rougher number, in seconds
    train(vit, toy_batches(20), every=10, benchmarks="nyu", data_root=data, results=out, overrides=quick)
    print(curve(out))
