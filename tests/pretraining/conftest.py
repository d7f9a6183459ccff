"""Rendered class folders to train on, and a run that is as short as a run can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.pretraining.options import PretrainOptions
from benchmark.synthetic.datasets import write_dataset

_QUICK = {
    "mini-supervised": ["augment.size=32", "mixing.mixup=0.8", "mixing.cutmix=1.0"],
    "mini-dino": ["global_crops.size=28", "local_crops.size=14", "heads.hidden=32", "heads.prototypes=16"],
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data root with 16 training images of eight classes; tests must not write there."""
    return write_dataset("imagenet", tmp_path_factory.mktemp("folders"), train=8, val=8, size=(64, 80)).parent


@pytest.fixture(scope="session")
def quick(folders: Path) -> Callable[..., PretrainOptions]:
    """Returns a function that makes options of a run of six steps of four images, written down at every step."""

    def make(recipe: str, *overrides: str, **options: Any) -> PretrainOptions:
        short = ("train.steps=6", "train.batch_size=4", "train.log_every=1", *_QUICK[recipe], *overrides)
        kept = {override.partition("=")[0]: override for override in short}  # later ones replace earlier ones
        return PretrainOptions(
            data_root=folders, recipe=recipe, overrides=tuple(kept.values()), device="cpu", **options
        )

    return make
