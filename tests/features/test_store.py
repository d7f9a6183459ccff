"""Features are computed once, found by content, and survive kills, rivals, bad images and full disks."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from benchmark.errors import DataError, RecordError
from benchmark.features import filling
from benchmark.features.filling import Encoded

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_what_was_computed_comes_back(get: Callable, fake: Callable, shapes: dict) -> None:
    features = get()
    assert len(features) == 10
    assert torch.equal(features.rows, torch.arange(10))
    assert features.columns == shapes
    assert torch.equal(features.read("cls.1"), (torch.arange(10) + 0.5)[:, None].expand(10, 3))
    assert torch.equal(features.read("patches.1", [7, 2])[:, 0, 0], torch.tensor([-7.0, -2.0]))


def test_a_second_request_computes_nothing(get: Callable, capsys: pytest.CaptureFixture[str], fake: Callable) -> None:
    get()
    capsys.readouterr()
    second = fake()
    get(second)
    assert second.calls == 0
    assert capsys.readouterr().out == ""


def test_one_stream_fills_all_shards(get: Callable, tmp_path: Path, fake: Callable) -> None:
    encoder = fake()
    get(encoder)
    assert encoder.calls == 1
    assert encoder.images == list(range(10))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 4  # of 3, 3, 3 and 1 images


def test_fewer_columns_are_served_by_features_that_hold_more(get: Callable, fake: Callable) -> None:
    get()
    second = fake()
    features = get(second, columns=["cls.1"], make={"cls.1": (3,)})
    assert second.calls == 0
    assert len(features.read("cls.1")) == 10


def test_more_columns_are_computed(get: Callable, fake: Callable) -> None:
    get(fake(columns=["cls.1"]), columns=["cls.1"], make={"cls.1": (3,)})
    second = fake()
    get(second)
    assert second.images == list(range(10))


def test_what_is_asked_for_must_be_made(get: Callable, fake: Callable) -> None:
    with pytest.raises(ValueError, match="lacks some"):
        get(fake(), columns=["mean.1"])


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint_sha256": "b" * 64},
        {"spec": {"depth": 2, "preprocessing": {"mean": (0.5, 0.5, 0.4)}}},
        {"images": "e" * 16},
        {"count": 9},
        {"view": {"resize": 224, "crop": 224, "filter": "bicubic"}},
        {"view": {"resize": 256, "crop": 224, "filter": "bicubic", "view": 1}},
        {"norm": False},
        {"precision": "bfloat16"},
        {"dtype": "float16"},
        {"dtype": "bfloat16"},
    ],
    ids=str,
)
def test_a_changed_anything_never_meets_stored_features(
    get: Callable, change: dict[str, Any], fake: Callable, address: Callable
) -> None:
    get()
    other = fake()
    get(other, address(**change))
    assert other.calls == 1


@pytest.mark.parametrize("columns", [{"cls.0": (3,)}, {"mean.1": (3,)}, {"registers.1": (3,)}])
def test_another_layer_or_kind_of_token_never_meets_stored_features(
    get: Callable, columns: dict, fake: Callable
) -> None:
    get()
    asked = []

    def encode(indices: Sequence[int]) -> Iterator[Encoded]:
        asked.extend(indices)
        return ((index, dict.fromkeys(columns, torch.ones(3))) for index in indices)

    get(encode, columns=list(columns), make=columns)
    assert asked == list(range(10))


def test_lists_and_tuples_of_a_spec_are_one_address(address: Callable) -> None:
    assert address().key == address(spec={"preprocessing": {"mean": [0.5, 0.5, 0.5]}, "depth": 2}).key


def test_the_manifest_tells_everything_in_clear(get: Callable, fake: Callable) -> None:
    features = get()
    manifest = json.loads((features.folder / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["address"]["view"] == {"resize": 256, "crop": 224, "filter": "bicubic"}
    assert manifest["address"]["checkpoint_sha256"] == "a" * 64
    assert manifest["columns"]["patches.1"] == {"shape": [4, 3], "dtype": "float32"}
    assert (manifest["count"], manifest["shards"], manifest["shard_images"]) == (10, 4, 3)


def test_the_size_is_told_before_it_is_written(
    get: Callable, capsys: pytest.CaptureFixture[str], fake: Callable, address: Callable
) -> None:
    def encode(indices: Sequence[int]) -> Iterator[Encoded]:
        told = capsys.readouterr().out
        assert "train: 10 images x 15 values in float16 = 300 B to " in told
        return fake()(indices)

    get(encode, address(dtype="float16"))


# Kills and rivals ----------------------------------------------------------------------------------------------------

_PROGRAM = Path(__file__).with_name("extraction.py")


def _start(store: Path, stop_at: int = -1, pause: float = 0.0) -> subprocess.Popen[str]:
    command = [sys.executable, str(_PROGRAM), str(store), str(stop_at), str(pause)]
    return subprocess.Popen(command, env=_ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def test_a_kill_in_the_middle_of_a_shard_loses_that_shard_only(get: Callable, tmp_path: Path, fake: Callable) -> None:
    process = _start(tmp_path / "store", stop_at=7)  # the second image of the third shard
    assert [process.stdout.readline() for _ in range(2)][1] == "stopped\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    [first, second] = sorted(tmp_path.rglob("*.safetensors"))
    times = [path.stat().st_mtime_ns for path in (first, second)]
    encoder = fake()
    features = get(encoder)
    assert encoder.images == [6, 7, 8, 9]
    assert [path.stat().st_mtime_ns for path in (first, second)] == times
    assert torch.equal(features.read("cls.1")[:, 0], torch.arange(10) + 0.5)


def test_a_second_process_waits_and_finds_the_features_complete(tmp_path: Path) -> None:
    processes = [_start(tmp_path / "store", pause=0.5) for _ in range(2)]
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(output.splitlines()[-1] for output in outputs) == ["made 0", "made 10"]
    [waited] = [output for output in outputs if output.endswith("made 0\n")]
    assert waited.count("another process is making these features; waiting for it") == 1


def test_three_processes_share_the_shards(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=3"]
    done = subprocess.run(
        [*launch, str(_PROGRAM), str(tmp_path), "-1", "0"],
        env=_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(line for line in done.stdout.splitlines() if line.startswith("made")) == [
        "made 3",
        "made 3",
        "made 4",
    ]
    assert done.stdout.count("10 images x 15 values") == 1
    [manifest] = tmp_path.rglob("manifest.json")
    assert json.loads(manifest.read_text())["complete"]


@pytest.mark.parametrize("damage", ["cut", "gone", "another shard", "no header"])
def test_a_damaged_shard_is_made_again_and_only_it(get: Callable, damage: str, fake: Callable) -> None:
    folder = get().folder
    shard = folder / "00001.safetensors"
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif damage == "gone":
        shard.unlink()
    elif damage == "another shard":
        shutil.copy(folder / "00002.safetensors", shard)
    else:
        shard.write_bytes(b"\xff" * 300)
    encoder = fake()
    features = get(encoder)
    assert encoder.images == [3, 4, 5]
    assert torch.equal(features.read("cls.1")[:, 0], torch.arange(10) + 0.5)


def test_what_a_killed_process_was_writing_is_cleared_away(get: Callable, fake: Callable) -> None:
    folder = get().folder
    (folder / "00002.safetensors").unlink()
    (folder / ".00002.safetensors.abcdef").write_bytes(b"half")
    get()
    assert not list(folder.glob(".*"))


def test_a_store_of_another_shard_size_is_gone_on_with(
    get: Callable, monkeypatch: pytest.MonkeyPatch, fake: Callable
) -> None:
    folder = get().folder
    (folder / "00002.safetensors").unlink()
    monkeypatch.setattr("benchmark.features.plan.SHARD_IMAGES", 5)
    encoder = fake()
    assert len(get(encoder)) == 10
    assert encoder.images == [6, 7, 8]


# Bad images ----------------------------------------------------------------------------------------------------------


def test_an_unreadable_image_is_named_and_earlier_shards_are_kept(
    get: Callable, tmp_path: Path, fake: Callable
) -> None:
    with pytest.raises(DataError, match=r"^photos/4\.jpg cannot be read: truncated$"):
        get(fake(bad=[4]))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1
    encoder = fake()
    get(encoder)
    assert encoder.images == list(range(3, 10))


def test_a_skipped_image_is_left_out_and_listed(
    get: Callable, capsys: pytest.CaptureFixture[str], fake: Callable
) -> None:
    features = get(fake(bad=[4, 9]), on_bad_image="skip")
    assert features.rows.tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert features.read("cls.1", [4])[0, 0] == 5.5
    assert features.skipped[0] == (4, "photos/4.jpg cannot be read: truncated")
    assert [len(shard) for shard in features.shards("cls.1")] == [3, 2, 3, 0]
    assert capsys.readouterr().err.count("train: left out: photos/4.jpg") == 1


@pytest.mark.parametrize("finished", [True, False])
def test_features_without_an_image_are_refused_where_it_is_an_error(
    get: Callable, finished: bool, fake: Callable
) -> None:
    folder = get(fake(bad=[4, 8]), on_bad_image="skip").folder
    if not finished:
        (folder / "manifest.json").unlink()
        (folder / "00003.safetensors").unlink()
    with pytest.raises(DataError, match=r"without an image: photos/4\.jpg cannot be read: truncated \(2 such images\)"):
        get()
    assert len(get(fake(), on_bad_image="skip")) == 8


def test_no_readable_image_at_all_is_an_error(get: Callable, fake: Callable) -> None:
    with pytest.raises(DataError, match=r"none of 10 images can be read; the first: photos/0\.jpg"):
        get(fake(bad=range(10)), on_bad_image="skip")


@pytest.mark.parametrize(("value", "dtype"), [(7e4, "float16"), (float("nan"), "float16"), (float("nan"), "bfloat16")])
def test_a_value_the_format_cannot_hold_is_an_error(
    get: Callable, value: float, dtype: str, fake: Callable, address: Callable
) -> None:
    def encode(indices: Sequence[int]) -> Iterator[Encoded]:
        for index, values in fake()(indices):
            yield index, {**values, "cls.1": torch.full((3,), value)} if index == 4 else values

    remedy = "use features.dtype=float32" if dtype == "float16" else "densebench check"
    with pytest.raises(DataError, match=f"cls.1 of image 4 .*{remedy}"):
        get(encode, address(dtype=dtype))


def test_values_of_another_shape_are_a_defect(get: Callable, fake: Callable, shapes: dict) -> None:
    with pytest.raises(RuntimeError, match=r"cls.1: \(3,\) came, not \(1,\)"):
        get(fake(), make={**shapes, "cls.1": (1,)})


def test_an_encoder_that_loses_an_image_is_a_defect(get: Callable, fake: Callable) -> None:
    with pytest.raises(RuntimeError, match="image 1 was to be encoded; what came is 2"):
        get(lambda indices: fake()([index for index in indices if index != 1]))


# Full disks ----------------------------------------------------------------------------------------------------------


class _Usage(NamedTuple):
    free: int


def test_a_disk_that_is_too_small_is_refused_before_anything_is_computed(
    get: Callable, monkeypatch: pytest.MonkeyPatch, fake: Callable
) -> None:
    monkeypatch.setattr(filling.shutil, "disk_usage", lambda _folder: _Usage(256_000_599))
    encoder = fake()
    with pytest.raises(RecordError, match=r"600 B are still to be written to .* 256\.0 MB free .* make room"):
        get(encoder)
    assert encoder.calls == 0
    monkeypatch.setattr(filling.shutil, "disk_usage", lambda _folder: _Usage(256_000_600))
    assert len(get(encoder)) == 10


def test_a_disk_that_fills_up_is_named_and_finished_shards_are_kept(
    get: Callable, monkeypatch: pytest.MonkeyPatch, fake: Callable
) -> None:
    whole = filling.atomic_write

    def full(path: Path) -> Any:
        if path.name == "00002.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path)

    with (
        monkeypatch.context() as patch,
        pytest.raises(RecordError, match=r"00002\.safetensors cannot be written: No s"),
    ):
        patch.setattr(filling, "atomic_write", full)
        get()
    encoder = fake()
    get(encoder)
    assert encoder.images == [6, 7, 8, 9]


def test_a_place_that_cannot_be_written_is_named(get: Callable, tmp_path: Path, fake: Callable) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(RecordError, match="a folder that can be written and locked: set DENSEBENCH_CACHE"):
        get()


def test_using_features_is_remembered(get: Callable, fake: Callable) -> None:
    manifest = get().folder / "manifest.json"
    os.utime(manifest, (1, 1))
    get()
    assert time.time() - manifest.stat().st_mtime < 60
