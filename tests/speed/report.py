"""How long reports take: 2,000 records, and 10,000 replicates of mIoU. Not a test: nothing here can fail.

make speed                        # or
python tests/speed/report.py
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.records.ratio_of_sums import Ratios
from benchmark.records.schema import Record
from benchmark.report.collect import collect
from benchmark.report.commands import leaderboard
from benchmark.report.statistics.bootstrap import bootstrap
from benchmark.report.statistics.differences import delta_interval, exchange_test
from benchmark.report.statistics.intervals import score_interval

_RECORDS = 2000
_CHECKPOINTS = 400


def main() -> None:
    """Times each and prints a line."""
    first, second = _ratios(0), _ratios(1)
    _time("10,000 replicates of mIoU, 2,000 images x 150 classes", lambda: bootstrap([first]))
    _time("its BCa interval", lambda: score_interval(first))
    _time("interval of a paired difference", lambda: delta_interval([(first, second)]))
    _time("10,000 random exchanges", lambda: exchange_test(first, second))
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        write_records(results)
        _time(f"intervals of {_RECORDS:,} small records, once", lambda: collect(results))
        _time(f"leaderboard of {_RECORDS:,} records", lambda: _silent(results))
        command = [sys.executable, "-m", "benchmark", "leaderboard", "--results", folder]
        _time("the same from the command line", lambda: subprocess.run(command, capture_output=True, check=True))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmark", "leaderboard", "--results", folder]
        _time("command line without a record", lambda: subprocess.run(command, capture_output=True, check=True))


def write_records(results: Path) -> None:
    """Writes sound records of five benchmarks, each with statistics of 20 images."""
    runs = results / "runs"
    runs.mkdir(parents=True)
    benchmarks = ("ade20k", "voc2012", "cityscapes", "nyu", "kitti")
    for number in range(_RECORDS):
        benchmark, checkpoint = benchmarks[number % 5], number // 5 % _CHECKPOINTS
        identity = f"{number:05}"
        table, metric, value = _statistics(number, dense=benchmark in benchmarks[:3])
        table.to_parquet(runs / f"{identity}.parquet", index=False)
        (runs / f"{identity}.json").write_text(_record(identity, benchmark, checkpoint, metric, value))


def _statistics(seed: int, *, dense: bool) -> tuple[pd.DataFrame, str, float]:
    rng, images = np.random.default_rng(seed), 20
    names = [f"{image:03}.jpg" for image in range(images)]
    if dense:
        label = rng.integers(100, 500, images)
        hit = (label * rng.uniform(0.3, 0.9, images)).astype(int)
        counts = {"class": np.int16(0), "intersection": hit, "prediction": label, "label": label}
        return pd.DataFrame({"image": names, "head_seed": np.int16(0), **counts}), "miou", _miou(hit, label)
    squared = rng.uniform(10, 500, images)
    sums = {"variant": "protocol", "pixels": 1000, "squared": squared}
    value = float(np.sqrt(squared / 1000).mean())
    return pd.DataFrame({"image": names, "head_seed": np.int16(0), **sums}), "rmse", value


def _miou(hit: np.ndarray, label: np.ndarray) -> float:
    return float(100 * hit.sum() / (2 * label.sum() - hit.sum()))


def _record(identity: str, benchmark: str, checkpoint: int, metric: str, value: float) -> str:
    """A record as large as that of a sweep: 16 candidates, 150 classes."""
    candidates = [{"lr": lr, "weight_decay": 0.1, "held_out": 1.0, "val": 2.0} for lr in range(16)]
    fields = {
        "id": identity, "status": "success", "created": f"2026-01-01T00:{identity}", "benchmark": benchmark,
        "protocol": {"name": "dinov2-lin", "version": 1, "fingerprint": benchmark, "family": "dinov2", "overrides": [],
                     "fields": {"train": {"iterations": 40_000, "crop": 512}, "probes": {"lr": [1e-3]}}},
        "model": {"name": f"model {checkpoint}", "checkpoint": "m.pth", "checkpoint_sha256": f"{checkpoint:064}",
                  "layout": "dinov2", "arch": "ViT-S/14", "embed_dim": 384, "depth": 12, "patch_size": 14,
                  "num_registers": 0, "attention_bias": False, "specialization": "none", "params": 22_056_192,
                  "gflops": 12.2, "spec": {}, "notes": []},
        "data": {"name": benchmark, "fingerprint": "d", "splits": {"train": 100, "val": 20}}, "seed": 0, "limit": None,
        "metrics": {metric: value, "per_class_iou": [1.0] * 150},
        "primary": {"name": metric, "value": value, "higher_is_better": metric == "miou", "ci95": None},
        "selection": {"chosen": candidates[1], "best_on_val": candidates[1], "candidates": candidates},
        "per_image": f"{identity}.parquet",
        "cost": {"wall_s": 1.0, "images_per_s": 2.0, "backbone_forwards": 2, "peak_memory_mb": 3.0},
        "environment": {"git_commit": None, "git_dirty": None, "packages": {}, "device": "cpu", "hardware": "h"},
        "command": "densebench run", "error": None,
    }  # fmt: skip
    return Record.model_validate_json(json.dumps(fields)).model_dump_json(indent=1)


def _ratios(seed: int) -> Ratios:
    """Counts of 2,000 images, 150 classes of which about ten are in each."""
    rng = np.random.default_rng(seed)
    union = (rng.random((1, 2000, 150)) < 0.07) * rng.integers(1, 262_144, (1, 2000, 150)).astype(float)
    names = tuple(f"{image:05}" for image in range(2000))
    return Ratios(names, np.arange(150), np.floor(union * rng.random(union.shape)), union, 100.0)


def _silent(results: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        leaderboard(results)


def _time(name: str, call: Callable[[], object]) -> None:
    begun = time.perf_counter()
    call()
    print(f"{name}: {time.perf_counter() - begun:.2f} s", flush=True)


if __name__ == "__main__":
    main()
