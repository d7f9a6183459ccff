"""The whole story on rendered data: no network, no weights, the same code path as the real benchmarks."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmark import ablation_mini
from benchmark.ablation_mini import checkpoint_of, evaluate_mini, run_ablation_mini
from benchmark.analysis.analyze import analyze, describe
from benchmark.synthetic.datasets import write_mini


def run_demo(data_root: Path, results: Path, command: str) -> int:
    """Renders the mini data, evaluates raw colours as the baseline, then trains and compares three small transformers.

    Args:
        data_root: Where the rendered datasets and the checkpoints go.
        results: Where records and tables go.
        command: Command line, for the records.

    Returns:
        Number of cells that failed.
    """
    print(f"Rendering small scenes with exact labels in the official layouts under {data_root}")
    write_mini(data_root, train=ablation_mini.TRAIN, val=ablation_mini.VAL)
    print("\nThe baseline: raw pixel colours in place of a transformer")
    failed = evaluate_mini("pixels", "raw pixels (baseline)", data_root, results, command)
    failed += run_ablation_mini(data_root, results, command)
    print("\nLooking into the three transformers: how [CLS] and patches relate around each layer")
    checkpoints = [str(checkpoint_of(variant, data_root)) for variant in ablation_mini.VARIANTS]
    print(describe(analyze(checkpoints, images=None, results=results, device=torch.device("cpu"))))
    return failed
