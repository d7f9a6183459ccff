"""What ``densebench list`` shows. Imports no torch: it answers from file names and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.benchmarks import BENCHMARKS, Benchmark, expand, groups
from benchmark.cache import features_folder
from benchmark.configs import backbone_presets
from benchmark.data.dataset import Dataset
from benchmark.data.registry import DATASETS
from benchmark.features import inventory as stored_features
from benchmark.load_protocol import protocol_names

_HERE = Path(__file__).resolve().parent


def inventory(data_root: Path, words: Sequence[str] = ()) -> dict[str, Any]:
    """Collects benchmarks, groups, protocols, checkpoint layouts and datasets as plain values.

    Args:
        data_root: Folder that holds all datasets.
        words: Benchmarks, groups or descriptions of data: only these and their datasets.

    Raises:
        UsageError: A word that is none of these.
        DataError: Something is wrong with a description.
    """
    if words:
        benchmarks = [benchmark for benchmark, _ in expand(words)]
        datasets = dict.fromkeys(dataset for benchmark in benchmarks for dataset in benchmark.datasets)
        return {
            "benchmarks": [*map(_benchmark, benchmarks)],
            "datasets": [_dataset(each, data_root) for each in datasets],
        }
    return {
        "benchmarks": [*map(_benchmark, BENCHMARKS.values())],
        "groups": groups(),
        "backbones": [*_layout_names(), "hf:DIR", "timm:NAME", "my_file.py:build", "pixels"],
        "specializations": list(backbone_presets()["specializations"]),
        "datasets": [_dataset(each, data_root) for each in DATASETS.values()],
        "features": stored_features.stored(features_folder()),
    }


def _benchmark(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "name": benchmark.name,
        "group": benchmark.group,
        "dataset": benchmark.dataset.name,
        "metric": benchmark.metric.name,
        "unit": benchmark.metric.unit,
        "higher_is_better": benchmark.metric.higher_is_better,
        "protocols": protocol_names(benchmark),
        "default_protocol": benchmark.default_protocol,
    }


def _dataset(dataset: Dataset, data_root: Path) -> dict[str, Any]:
    missing = dataset.missing(data_root)
    return {
        "name": dataset.name,
        "folder": str(dataset.root(data_root)),
        "present": not missing,
        "missing": [str(path) for path in missing],
    }


def without_data(benchmark: Benchmark, data_root: Path) -> Path | None:
    """Returns the first file or folder that the datasets of a benchmark lack, or None."""
    missing = [path for dataset in benchmark.datasets for path in dataset.missing(data_root)]
    return missing[0] if missing else None


def describe(listed: dict[str, Any]) -> str:
    """Renders an inventory as text, section by section as far as it has them."""
    width = max(12, *(len(benchmark["name"]) for benchmark in listed["benchmarks"]))
    lines = ["Benchmarks (* = default protocol)"]
    for benchmark in listed["benchmarks"]:
        protocols = [f"{name}*" if name == benchmark["default_protocol"] else name for name in benchmark["protocols"]]
        lines.append(
            f"  {benchmark['name']:<{width}} {benchmark['metric']} {benchmark['unit']:<4} {', '.join(protocols)}"
        )
    if "groups" in listed:
        lines.append("Groups")
        lines += [f"  {name:<{width}} {', '.join(members)}" for name, members in listed["groups"].items()]
        lines += ["Checkpoints", f"  {', '.join(listed['backbones'])}"]
        lines += ["Specialisations", f"  {', '.join(listed['specializations'])}"]
    lines.append("Datasets")
    for dataset in listed["datasets"]:
        state = "there" if dataset["present"] else f"missing {dataset['missing'][0]}"
        lines.append(f"  {dataset['name']:<{width}} {dataset['folder']}: {state}")
    if "features" in listed:
        lines += ["Stored features", stored_features.describe(listed["features"])]
    return "\n".join(lines)


def _layout_names() -> list[str]:
    """Module names of the layouts, without importing them: they need torch."""
    modules = (_HERE / "backbones" / "layouts").glob("*.py")
    return sorted(path.stem for path in modules if path.stem != "__init__")
