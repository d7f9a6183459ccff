"""Several processes give the numbers of one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from benchmark.cli import main
from benchmark.errors import UsageError
from benchmark.probing.distributed import World
from benchmark.probing.run import refuse_small_batches
from benchmark.protocols import load_protocol

_ROOT = Path(__file__).parents[2]


def _words(results: Path, data: Path, processes: int, benchmark: str = "voc2012") -> list[str]:
    batch = 5 if benchmark == "voc2012" else 4  # depth wants whole groups of two
    return [
        *("run", benchmark, "--checkpoint", "pixels", "--device", "cpu", "--gpus", str(processes)),
        *("--data-root", str(data), "--results", str(results), "--protocol", "mini"),
        *("train.iterations=3", f"train.batch_size={batch}", "probes.lr=[1e-2]"),
    ]


def _run(*where: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmark", *_words(*where)]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)


def _only_record(results: Path) -> dict[str, Any]:
    [path] = (results / "runs").glob("*.json")
    return json.loads(path.read_text())


def _numbers(metrics: Any, name: str = "") -> dict[str, float]:
    """Flattens nested metrics into what pytest.approx compares: {".variants.no_crop.rmse": 1.15, ...}."""
    if not isinstance(metrics, dict | list):
        return {name: metrics}
    inner = metrics.items() if isinstance(metrics, dict) else enumerate(metrics)
    return {full: number for key, value in inner for full, number in _numbers(value, f"{name}.{key}").items()}


def test_one_two_and_three_processes_give_the_same_record(mini_data: Path, tmp_path: Path) -> None:  # trap 23
    records, tables = [], []
    assert main(_words(tmp_path / "1", mini_data, 1)) == 0
    for number in (1, 2, 3):  # neither 5 images a batch nor 3 scored images divide evenly
        if number > 1:
            done = _run(tmp_path / str(number), mini_data, number)
            assert done.returncode == 0, done.stderr
        records.append(_only_record(tmp_path / str(number)))
        tables.append(pd.read_parquet(tmp_path / str(number) / "runs" / records[-1]["per_image"]))
        assert (tmp_path / str(number) / "leaderboard.csv").exists()
    for record, table in zip(records[1:], tables[1:], strict=True):
        assert record["metrics"] == records[0]["metrics"]
        assert record["cost"]["backbone_forwards"] == records[0]["cost"]["backbone_forwards"]
        pd.testing.assert_frame_equal(table, tables[0])


_TRAINS = """
from pathlib import Path
import torch, torch.distributed as dist
from benchmark.probing.distributed import joined

with joined(torch.device("cpu")) as world:
    weight = torch.nn.Parameter(torch.ones(3))
    weight.sum().backward()
    dist.all_reduce(weight.grad)
    torch.optim.AdamW([weight]).step()
print([task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()])
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_no_thread_of_the_process_group_outlives_it(tmp_path: Path) -> None:
    (tmp_path / "trains.py").write_text(_TRAINS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, tmp_path / "trains.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\\n") >= 2  # one thread of each process, at least
    assert "gloo" not in done.stdout


def test_groups_of_depth_losses_do_not_feel_the_processes(mini_data: Path, tmp_path: Path) -> None:  # trap 12
    assert main(_words(tmp_path / "1", mini_data, 1, "nyu")) == 0
    done = _run(tmp_path / "3", mini_data, 3, "nyu")  # 4 images a batch and 3 scored ones: shares of 2, 1 and 1
    assert done.returncode == 0, done.stderr
    one, three = _only_record(tmp_path / "1"), _only_record(tmp_path / "3")
    # Errors in metres are floats: threads and processes add them up in another order, a wrong group moves them by 1e-2.
    assert _numbers(three["metrics"]) == pytest.approx(_numbers(one["metrics"]), rel=1e-5)
    assert three["cost"]["backbone_forwards"] == one["cost"]["backbone_forwards"]


def test_imagenet_is_shared_out_and_put_together(mini_data: Path, tmp_path: Path) -> None:
    words = [
        "run",
        "imagenet-knn",
        "imagenet-linear",
        "--checkpoint",
        "pixels",
        "--device",
        "cpu",
        "--protocol",
        "mini",
    ]
    words += ["--data-root", str(mini_data), "train.iterations=3", "train.batch_size=5", "probes.lr=[0.1]"]
    tables: dict[str, list[pd.DataFrame]] = {}
    for number in (1, 2):  # 8 scored images and 5 of a batch: not all shares are equal
        results = tmp_path / str(number)
        command = [sys.executable, "-m", "benchmark", *words, "--gpus", str(number), "--results", str(results)]
        environment = {**os.environ, "DENSEBENCH_CACHE": str(results / "cache")}
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        for path in (results / "runs").glob("*.json"):
            record = json.loads(path.read_text())
            tables.setdefault(record["benchmark"], []).append(pd.read_parquet(path.with_suffix(".parquet")))
    assert set(tables) == {"imagenet-knn", "imagenet-linear"}
    for one, two in tables.values():
        pd.testing.assert_frame_equal(one, two)


def test_a_failing_process_ends_the_others_and_leaves_a_record(mini_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    image = sorted((data / "voc2012").rglob("JPEGImages/2007_5*.jpg"))[1]
    image.write_bytes(image.read_bytes()[:-600])
    done = _run(tmp_path / "results", data, 2)
    assert done.returncode == 1
    assert image.name in done.stderr
    assert _only_record(tmp_path / "results")["status"] == "error"


def test_every_item_has_one_process() -> None:
    shares = [World(rank, 3).share(range(7)) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == list(range(7))


def test_alone_nothing_is_exchanged() -> None:
    part = torch.randn(4, 2)
    world = World()
    assert world.gather(part, 4) is part
    assert world.sum(5, torch.device("cpu")) == 5
    assert world.tell(part) is part
    world.barrier()
    assert world.leads


def test_a_batch_smaller_than_the_processes_is_refused() -> None:
    protocols = [load_protocol("voc2012", "mini", ["train.batch_size=1"])]
    with pytest.raises(UsageError, match=r"train\.batch_size=1 cannot be shared by 2 processes"):
        refuse_small_batches(protocols, World(0, 2))
    refuse_small_batches(protocols, World())
