"""The datasets that ship: each module of ``benchmark/data/datasets/`` holds one as ``DATASET``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from benchmark.data import datasets
from benchmark.data.dataset import KINDS, Dataset


def _discover() -> dict[str, Dataset]:
    found = (
        importlib.import_module(f"{datasets.__name__}.{module.name}").DATASET
        for module in pkgutil.iter_modules(datasets.__path__)
    )
    ordered = sorted(found, key=lambda each: (KINDS.index(type(each)), each.position, each.name))
    return {each.name: each for each in ordered}


DATASETS: Mapping[str, Dataset] = _discover()
"""By name."""
