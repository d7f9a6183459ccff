"""Several processes give the numbers of one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from benchmark.backbones import VisionTransformer
from benchmark.cli import main
from benchmark.distributed import World
from benchmark.errors import SharedError, UsageError
from benchmark.load_protocol import load_protocol
from benchmark.probing.run import refuse_small_batches

_ROOT = Path(__file__).parents[1]


def _words(results: Path, data: Path, processes: int, benchmark: str = "voc2012") -> list[str]:
    batch = 5 if benchmark == "voc2012" else 4  # depth wants whole groups of two
    return [
        *("run", benchmark, "--checkpoint", "pixels", "--device", "cpu", "--gpus", str(processes)),
        *("--data-root", str(data), "--results", str(results), "--protocol", "mini"),
        *("train.iterations=3", f"train.batch_size={batch}", "probes.lr=[1e-2]"),
    ]


def _run(*where: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmark", *_words(*where)]
    environment = {**os.environ, "DENSEBENCH_CACHE": str(where[0] / "cache")}  # no heads of another run
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, env=environment)


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
from benchmark.distributed import process_group

with process_group(torch.device("cpu")) as world:
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
    assert world.broadcast_object(part) is part
    world.barrier()
    assert world.is_main


def test_a_batch_smaller_than_the_processes_is_refused() -> None:
    protocols = [load_protocol("voc2012", "mini", ["train.batch_size=1"])]
    with pytest.raises(UsageError, match=r"train\.batch_size=1 cannot be shared by 2 processes"):
        refuse_small_batches(protocols, World(0, 2))
    refuse_small_batches(protocols, World())


def _run_each(
    words: list[list[str]], folder: Path, *, script: str | None = None, **environment: str
) -> list[subprocess.CompletedProcess[str]]:
    """Runs a command line of its own in each process of one run, as torchrun on several machines does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank, own in enumerate(words):
        variables = {
            **os.environ,
            **{"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(len(words))},
            **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_RUN_ID": "test"},
            **{"OMP_NUM_THREADS": "1", "PYTHONPATH": str(_ROOT), **environment},
        }
        with (folder / f"{rank}.out").open("w") as out, (folder / f"{rank}.err").open("w") as err:
            command = [sys.executable, *(["-c", script] if script else ["-m", "benchmark"]), *own]
            started.append(subprocess.Popen(command, env=variables, stdout=out, stderr=err))
    return [
        subprocess.CompletedProcess(
            process.args,
            process.wait(timeout=600),
            (folder / f"{rank}.out").read_text(),
            (folder / f"{rank}.err").read_text(),
        )
        for rank, process in enumerate(started)
    ]


@pytest.fixture
def other_checkpoint(tmp_path: Path, make_vit: Callable[..., VisionTransformer]) -> Path:
    """Another one than ``checkpoint``, of the same architecture."""
    path = tmp_path / "other" / "vit.pth"
    path.parent.mkdir()
    torch.save(make_vit(seed=1, embed_dim=192, depth=2, num_heads=3, ffn_dim=384).state_dict(), path)
    return path


@pytest.fixture
def other_data(mini_data: Path, tmp_path: Path) -> Path:
    """The same names and numbers of images, one of which is another."""
    data = Path(shutil.copytree(mini_data, tmp_path / "other data"))
    first, second = sorted((data / "voc2012").rglob("JPEGImages/*.jpg"))[:2]
    first.write_bytes(second.read_bytes())
    return data


_DIFFERENT = ("seed", "checkpoint", "data", "fewer images", "benchmarks")


@pytest.mark.parametrize("what", _DIFFERENT)
def test_processes_with_different_inputs_are_refused_before_any_work(
    mini_data: Path, tmp_path: Path, checkpoint: Path, other_checkpoint: Path, other_data: Path, what: str
) -> None:
    def words(**changes: str) -> list[str]:
        given = {"--checkpoint": str(checkpoint), "--data-root": str(mini_data), "--seed": "0", "--protocol": "mini"}
        given |= {"--results": str(tmp_path / "results"), "--device": "cpu"} | {
            f"--{name.replace('_', '-')}": value for name, value in changes.items() if name != "benchmarks"
        }
        names = ["voc2012", "ade20k"] if "benchmarks" in changes else ["voc2012"]
        fields = ["train.iterations=2", "train.batch_size=4", "probes.lr=[1e-2]"]
        return ["run", *names, *(word for pair in given.items() for word in pair), *fields]

    if what == "fewer images":
        names = other_data / "voc2012/VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt"
        names.write_text("".join(f"{line}\n" for line in names.read_text().split()[:-1]))
    second = {
        "seed": {"seed": "1"},
        "checkpoint": {"checkpoint": str(other_checkpoint)},
        "data": {"data_root": str(other_data)},
        "fewer images": {"data_root": str(other_data)},
        "benchmarks": {"benchmarks": "two"},
    }[what]
    done = _run_each([words(), words(**second)], tmp_path)
    assert all(each.returncode for each in done)
    field = {"fewer images": "images of voc2012 train"}.get(what, what)
    lines = [line for each in done for line in each.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, done
    assert f"the processes of this run differ in {field}: process 0 on " in lines[0]
    assert not any("Traceback" in each.stderr for each in done)
    assert not list((tmp_path / "results").glob("runs/*"))


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("probes.lr=[1e-3]",), "overrides"),
        (("--protocol", "dinov2-lin"), "protocol"),
        (("--limit", "2"), "limit"),
        (("--seed", "3"), "seed"),
        (("backbone.mean=[0.5,0.5,0.5]",), "architecture"),
        (("--on-bad-image", "skip"), "--on-bad-image"),
        (("--compile",), "--compile"),
    ],
)
def test_whatever_moves_a_number_is_compared(
    mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], field: str
) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(World, "refuse_different_input", lambda _, fields, *__: said.append(fields))
    common = ["run", "voc2012", "--checkpoint", "pixels", "--data-root", str(mini_data), "--protocol", "mini"]
    common += ["--results", str(tmp_path), "train.iterations=1"]
    main(common)
    main([*common, *words])
    first, second = ({**said[place], **said[place + 1]} for place in (0, 2))  # of the command, of the cell
    assert first[field] != second[field]


def test_further_test_sets_are_compared(mini_data: Path, tmp_path: Path, checkpoint: Path) -> None:
    """The process that has them would wait for the other, which has ended."""
    for name, images in (("one", 3), ("other", 2), ("none", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "imagenet").symlink_to(mini_data / "imagenet")
        for image in sorted((mini_data / "imagenet/val").glob("*/*"))[:images]:
            folder = tmp_path / name / "imagenet-sketch/sketch" / image.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(image, folder)
    words = ["run", "imagenet-knn", "--checkpoint", str(checkpoint), "--results", str(tmp_path / "r")]
    words += ["--protocol", "mini", "--device", "cpu", "--data-root"]
    for other, has in (("none", "nothing"), ("other", "2")):
        done = _run_each([[*words, str(tmp_path / "one")], [*words, str(tmp_path / other)]], tmp_path)
        assert all(each.returncode for each in done), done
        [line] = [line for line in done[0].stderr.splitlines() if line.startswith("error:")]
        assert "differ in further test sets.sketch.images: process 0 on " in line
        assert f"has {has}; start them" in line


def test_sections_are_compared_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        {"packages": {"torch": "2.13", "numpy": "2"}, "architecture": {"mean": (0.5, 0.5), "depth": 12}},
        {"packages": {"torch": "2.13"}, "architecture": {"mean": (0.5, 0.5), "depth": 24}},
    ]
    own: list[Any] = []
    monkeypatch.setattr(World, "gather_objects", lambda _, value: own.append(value) or list(own))
    World(0, 2).refuse_different_input(said[0])
    with pytest.raises(
        SharedError, match=r"differ in packages\.numpy: process 0 on \S+ has 2, process 1 on \S+ has no"
    ):
        World(1, 2).refuse_different_input(said[1])
    own.pop()
    with pytest.raises(SharedError, match=r"differ in architecture\.depth: process 0 on \S+ has 12, .* has 24; start"):
        World(1, 2).refuse_different_input(said[0] | {"architecture": {"mean": (0.5, 0.5), "depth": 24}})


def test_what_one_process_lacks_is_one_line_of_the_main_process(
    mini_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    words = ["run", "voc2012", "--checkpoint", str(checkpoint), "--results", str(tmp_path / "r"), "--device", "cpu"]
    words += ["--protocol", "mini", "train.iterations=2", "train.batch_size=4", "probes.lr=[1e-2]"]
    nowhere = [*words, "--data-root", str(tmp_path / "nowhere")]
    done = _run_each([[*words, "--data-root", str(mini_data)], nowhere], tmp_path)
    assert [each.returncode for each in done] == [1, 1]
    assert "nowhere" in done[0].stderr
    assert "(process 1 on " in done[0].stderr
    assert not done[1].stderr.strip() or "error" not in done[1].stderr
    lacks = [[word.replace("vit.pth", "gone.pth") for word in words], words]
    done = _run_each([[*each, "--data-root", str(mini_data)] for each in lacks], tmp_path)
    assert [each.returncode for each in done] == [2, 2]
    assert done[0].stderr.count("error:") == 1
    assert "gone.pth" in done[0].stderr


@pytest.mark.parametrize("what", ["seed", "images", "names"])
def test_a_pre_training_with_different_inputs_is_refused(mini_data: Path, tmp_path: Path, what: str) -> None:
    data = Path(shutil.copytree(mini_data / "imagenet", tmp_path / "data" / "imagenet")).parent
    first, second = sorted((data / "imagenet" / "train").rglob("*.*"))[:2]
    if what == "images":
        first.write_bytes(second.read_bytes())
    elif what == "names":
        first.rename(first.with_stem("another"))
    words = [
        "pretrain",
        str(tmp_path / "new" / "out.pth"),
        "--recipe",
        "mini-supervised",
        "--size",
        "Ti",
        "--device",
        "cpu",
    ]
    words += ["--data-root", str(mini_data), "train.steps=1", "train.batch_size=4"]
    other = [*words, "--seed", "1"] if what == "seed" else [*words, "--data-root", str(data)]
    done = _run_each([words, other], tmp_path)
    assert [each.returncode for each in done] == [2, 2], done
    assert done[0].stderr.count("error:") == 1
    field = "images" if what == "images" else f"settings.{what}"
    assert f"the processes of this run differ in {field}: process 0 on" in done[0].stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("change", [("--limit", "2"), ("--tokens", "mean"), ("--checkpoint", "{other}")])
def test_an_extraction_with_different_inputs_is_refused(
    mini_data: Path, tmp_path: Path, checkpoint: Path, other_checkpoint: Path, change: tuple[str, str]
) -> None:
    words = ["extract", "--checkpoint", str(checkpoint), "--dataset", "voc2012", "--output", str(tmp_path / "out")]
    words += ["--data-root", str(mini_data), "--device", "cpu"]
    done = _run_each([words, [*words, change[0], change[1].format(other=other_checkpoint)]], tmp_path)
    assert [each.returncode for each in done] == [2, 2], done
    assert done[0].stderr.count("error:") == 1
    assert "the processes of this run differ in" in done[0].stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--tokens", "cls"), "columns"),
        (("--layers", "0"), "columns"),
        (("--format", "npy"), "--format"),
        (("--on-bad-image", "skip"), "--on-bad-image"),
        (("--output", "{tmp}/another"), "--output"),
        (("--size", "112"), "view"),
        (("--no-norm",), "norm"),
        (("--precision", "bfloat16"), "precision"),
        (("--dtype", "float32"), "dtype"),
    ],
)
def test_whatever_processes_of_an_extraction_must_agree_in_is_compared(
    mini_data: Path,
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    field: str,
) -> None:
    said: list[dict[str, Any]] = []

    def refuse(_: World, fields: dict[str, Any]) -> None:
        said.append(fields)
        raise UsageError("compared")

    monkeypatch.setattr(World, "refuse_different_input", refuse)
    common = ["extract", "--checkpoint", str(checkpoint), "--dataset", "voc2012", "--data-root", str(mini_data)]
    common += ["--device", "cpu", "--output", str(tmp_path / "out")]
    assert main(common) == main([*common, *(word.format(tmp=tmp_path) for word in words)]) == 2
    first, second = said
    assert [name for name in first if first[name] != second[name]] == [field]


def test_a_folder_that_not_all_processes_see_is_refused_before_features_are_made(
    mini_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    """The same relative folder on two machines."""
    script = f"import os, sys; own = os.path.join({str(tmp_path)!r}, os.environ['RANK']); os.makedirs(own); "
    script += "os.chdir(own); from benchmark.cli import main; sys.exit(main())"
    words = ["extract", "--checkpoint", str(checkpoint), "--dataset", "voc2012", "--output", "out", "--device", "cpu"]
    done = _run_each([[*words, "--data-root", str(mini_data)]] * 2, tmp_path, script=script)
    assert [each.returncode for each in done] == [2, 2], done
    assert "out is not shared by all processes of this run; name a folder that every machine sees" in done[0].stderr
    assert not list(tmp_path.glob("*/out/*.safetensors"))


def test_equal_data_in_another_place_is_the_same_input(mini_data: Path, tmp_path: Path, checkpoint: Path) -> None:
    copy = shutil.copytree(mini_data / "voc2012", tmp_path / "copy" / "voc2012").parent
    words = ["run", "voc2012", "--checkpoint", str(checkpoint), "--results", str(tmp_path / "r"), "--device", "cpu"]
    words += ["--protocol", "mini", "train.iterations=2", "train.batch_size=4", "probes.lr=[1e-2]", "--data-root"]
    done = _run_each([[*words, str(mini_data)], [*words, str(copy)]], tmp_path)
    assert [each.returncode for each in done] == [0, 0], done
    assert _only_record(tmp_path / "r")["status"] == "success"


def test_stored_features_that_not_all_processes_see_are_refused(
    mini_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    script = "import os, sys; os.environ['DENSEBENCH_CACHE'] += os.environ['RANK']; from benchmark.cli import main; "
    script += "sys.exit(main())"
    words = ["run", "imagenet-knn", "--checkpoint", str(checkpoint), "--results", str(tmp_path / "r")]
    words += ["--protocol", "mini", "--device", "cpu", "--data-root", str(mini_data)]
    done = _run_each([words, words], tmp_path, script=script, DENSEBENCH_CACHE=str(tmp_path / "cache"))
    assert all(each.returncode for each in done)
    assert "is not shared by all processes of this run" in done[0].stderr
    assert not any("Traceback" in each.stderr for each in done)
