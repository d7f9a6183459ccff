"""What ``densebench list`` shows. Imports no torch: it answers from file names and tables."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from benchmark.benchmarks import BENCHMARKS, groups
from benchmark.cache import features_folder
from benchmark.configs import CONFIGS, protocol_names
from benchmark.data import DATASETS
from benchmark.probing.feature_store import inventory as stored_features

_HERE = Path(__file__).resolve().parent


def inventory(data_root: Path) -> dict[str, Any]:
    """Collects benchmarks, groups, protocols, checkpoint layouts and datasets as plain values.

    Args:
        data_root: Folder that holds all datasets.
    """
    return {
        "benchmarks": [
            {
                "name": benchmark.name,
                "group": benchmark.group,
                "dataset": benchmark.dataset,
                "metric": benchmark.metric,
                "unit": benchmark.unit,
                "higher_is_better": benchmark.higher_is_better,
                "protocols": protocol_names(benchmark.name),
                "default_protocol": benchmark.default_protocol,
            }
            for benchmark in BENCHMARKS.values()
        ],
        "groups": groups(),
        "backbones": [*_layout_names(), "hf:DIR", "timm:NAME", "my_file.py:build", "pixels"],
        "specializations": list(backbone_presets()["specializations"]),
        "datasets": [
            {
                "name": layout.name,
                "folder": str(layout.root(data_root)),
                "present": not layout.missing(data_root),
                "missing": [str(path) for path in layout.missing(data_root)],
            }
            for layout in DATASETS.values()
        ],
        "features": stored_features.stored(features_folder()),
    }


def without_data(benchmark: str, data_root: Path) -> Path | None:
    """Returns the first file or folder that the datasets of a benchmark lack, or None."""
    missing = [path for name in BENCHMARKS[benchmark].datasets for path in DATASETS[name].missing(data_root)]
    return missing[0] if missing else None


def backbone_presets() -> dict[str, dict[str, dict[str, Any]]]:
    """Reads the named sizes and specialisations of ``configs/backbones/``."""
    folder = CONFIGS / "backbones"
    return {kind: runpy.run_path(str(folder / f"{kind}.py"))[kind] for kind in ("sizes", "specializations")}


def describe(found: dict[str, Any]) -> str:
    """Renders an inventory as text."""
    lines = ["Benchmarks (* = default protocol)"]
    for benchmark in found["benchmarks"]:
        protocols = [f"{name}*" if name == benchmark["default_protocol"] else name for name in benchmark["protocols"]]
        lines.append(f"  {benchmark['name']:<12} {benchmark['metric']} {benchmark['unit']:<4} {', '.join(protocols)}")
    lines.append("Groups")
    lines += [f"  {name:<12} {', '.join(members)}" for name, members in found["groups"].items()]
    lines.append("Checkpoints")
    lines.append(f"  {', '.join(found['backbones'])}")
    lines.append("Specialisations")
    lines.append(f"  {', '.join(found['specializations'])}")
    lines.append("Datasets")
    for dataset in found["datasets"]:
        state = "there" if dataset["present"] else f"missing {dataset['missing'][0]}"
        lines.append(f"  {dataset['name']:<12} {dataset['folder']}: {state}")
    lines += ["Stored features", stored_features.describe(found["features"])]
    return "\n".join(lines)


def _layout_names() -> list[str]:
    """Module names of the layouts, without importing them: they need torch."""
    modules = (_HERE / "backbones" / "formats").glob("*.py")
    return sorted(path.stem for path in modules if path.stem != "__init__")
