"""A whole ablation on rendered data: train the variants, evaluate them, show the table with its intervals."""

from __future__ import annotations

from pathlib import Path

from benchmark.benchmarks import BENCHMARKS
from benchmark.load_protocol import protocol_names
from benchmark.pretraining.options import PretrainOptions
from benchmark.pretraining.run import pretrain
from benchmark.probing.run import run_cells
from benchmark.report.commands import ablations
from benchmark.run_options import RunOptions
from benchmark.synthetic.datasets import write_dataset, write_mini

VARIANTS = ("none", "norms", "norms+qkv")
"""Specialisations that are compared, the baseline first."""

RECIPE = "mini-supervised"
TRAIN, VAL = 96, 48
"""Images of each benchmark's splits."""

IMAGES = 512
"""What `write_dataset` is asked for: a quarter for each of its eight classes, so twice as many images to train on."""

_PROTOCOL = "mini"

CAVEAT = """\
What this run can show: that training, evaluation and comparison work from end to end, and how wide the intervals of
this data are. What it cannot: whether specialisation helps. One tiny transformer for each variant saw 1,024 rendered
images for about a minute, from one seed; the paper's gains come from ViT-B to ViT-H after 600,000 steps. The intervals
say how far a difference would move on other images. They do not say how far it would move with another seed, which at
this size is likely more. The numbers stand as they came out."""


def run_ablation_mini(data_root: Path, results: Path, command: str) -> int:
    """Renders data, trains what is not trained yet, evaluates what has no record yet, and prints the table.

    Args:
        data_root: Where the rendered datasets and the checkpoints go.
        results: Where records and tables go.
        command: Command line, for the records.

    Returns:
        Number of cells that failed.
    """
    print(f"\nRendering pictures to train on under {data_root}")
    write_mini(data_root, train=TRAIN, val=VAL)
    # Another seed: none of these pictures is in a benchmark.
    pretraining = write_dataset("imagenet", data_root / "pretraining", train=IMAGES, val=8, seed=1).parent
    failed = 0
    for variant in VARIANTS:
        checkpoint = checkpoint_of(variant, data_root)
        print(f"\nTraining the tiny transformer, specialisation {variant}: {checkpoint}")
        if not pretrain(checkpoint, PretrainOptions(data_root=pretraining, recipe=RECIPE, specialization=variant)):
            print("It is trained already")
        failed += evaluate_mini(str(checkpoint), f"tiny, {variant}", data_root, results, command)
    print()
    ablations(results, ["mini"], label=_PROTOCOL, conditions=["name=tiny, *"])
    print(CAVEAT)
    return failed


def checkpoint_of(variant: str, data_root: Path) -> Path:
    """Returns where the checkpoint of a variant lies."""
    return data_root / "checkpoints" / f"{RECIPE}-{variant}.pth"


def evaluate_mini(checkpoint: str, name: str, data_root: Path, results: Path, command: str) -> int:
    """Runs every benchmark that has a mini protocol and returns how many failed.

    Args:
        checkpoint: What ``load_backbone`` takes.
        name: What tables call it.
        data_root: Rendered datasets; features are kept there too.
        results: Where records go.
        command: Command line, for the records.
    """
    options = RunOptions(
        data_root=data_root,
        results=results,
        features=data_root / "features",
        name=name,
        protocol=_PROTOCOL,
        command=command,
    )
    return run_cells([each for each in BENCHMARKS.values() if _PROTOCOL in protocol_names(each)], checkpoint, options)
