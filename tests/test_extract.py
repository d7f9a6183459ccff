"""Features for others: what the folder holds, and when it is refused or gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from benchmark import extract as module
from benchmark.backbones import load_backbone
from benchmark.cli import main
from benchmark.data.images import read_image
from benchmark.data.registry import DATASETS
from benchmark.errors import DataError, DenseBenchError, UsageError
from benchmark.extract import View, extract
from benchmark.extract_options import ExtractOptions
from benchmark.features import plan
from benchmark.features.lock import FileLock
from benchmark.samples.images import normalised

VIEW = View(resize=64, crop=56)


@pytest.fixture(autouse=True)
def two_images_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SHARD_IMAGES", 2)


@pytest.fixture
def run(mini_data: Path, checkpoint: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Returns a function that extracts from the five or six images of a small ADE20K and returns the manifest."""

    def ask(folder: str = "out", **changes: Any) -> dict[str, Any]:
        given = ExtractOptions(
            data_root=mini_data, split="train", limit=5, resize=64, crop=56, dtype="float32", batch_size=2
        )
        extract(str(checkpoint), DATASETS["ade20k"], tmp_path / folder, replace(given, **changes))
        return json.loads((tmp_path / folder / "manifest.json").read_text())

    return ask


def _columns(folder: Path, manifest: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Reads safetensors as the manifest says."""
    shards = [load_file(folder / file["name"]) for file in manifest["files"]]
    return {column: torch.cat([shard[column] for shard in shards]) for column in manifest["columns"]}


def test_the_files_hold_the_backbones_tokens_of_the_images_in_order(
    run: Callable, mini_data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    manifest = run(tokens=("cls", "mean", "patches"), layers=(0, -1))
    found = _columns(tmp_path / "out", manifest)
    assert list(found) == ["cls.0", "cls.1", "mean.0", "mean.1", "patches.0", "patches.1"]
    assert len(manifest["images"]) == manifest["count"] == 5
    assert [file["rows"] for file in manifest["files"]] == [2, 2, 1]
    backbone = load_backbone(checkpoint)
    root = mini_data / "ade20k/ADEChallengeData2016"
    image = normalised(VIEW(read_image(root / manifest["images"][3])), backbone.spec.preprocessing)
    first, last = backbone.tokens(image[None], layers=(0, 1), norm=True)
    for column, expected in {"cls.0": first.cls, "mean.1": last.patches.mean(1), "patches.1": last.patches}.items():
        torch.testing.assert_close(found[column][3], expected[0], rtol=1e-4, atol=1e-4)


def test_numpy_arrays_hold_the_same(run: Callable, tmp_path: Path) -> None:
    expected = _columns(tmp_path / "out", run())
    manifest = run("arrays", format="npy")
    for file in manifest["files"]:
        array = np.load(tmp_path / "arrays" / file["name"], mmap_mode="r")
        assert list(array.shape) == file["shape"]
        assert np.array_equal(array, expected[file["column"]].numpy())
    assert sorted(path.name for path in (tmp_path / "arrays").iterdir()) == [
        "cls.1.npy",
        "manifest.json",
        "patches.1.npy",
    ]


@pytest.mark.parametrize("file_format", ["safetensors", "npy"])
def test_an_interrupted_extraction_goes_on(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    read: list[str] = []

    def counting(path: Path) -> Any:
        if len(read) == 4:
            raise KeyboardInterrupt
        read.append(path.name)
        return read_image(path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "read_image", counting)
        run(format=file_format, batch_size=1)
    assert not json.loads((tmp_path / "out/manifest.json").read_text())["complete"]
    first = next((tmp_path / "out").rglob("00000.safetensors")).stat()
    read.clear()
    monkeypatch.setattr(module, "read_image", lambda path: (read.append(path.name), read_image(path))[1])
    manifest = run(format=file_format)
    assert len(read) == 1  # two shards of two were finished
    assert manifest["complete"]
    if file_format == "safetensors":
        assert (tmp_path / "out/00000.safetensors").stat().st_mtime_ns == first.st_mtime_ns


def test_a_second_call_reads_no_image(
    run: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    monkeypatch.setattr(module, "read_image", None)
    run()
    assert "done already" in capsys.readouterr().out


def test_shards_that_a_kill_left_beside_finished_arrays_are_removed(run: Callable, tmp_path: Path) -> None:
    run(format="npy")
    (tmp_path / "out/shards").mkdir()
    (tmp_path / "out/shards/00000.safetensors").write_bytes(b"x")
    run(format="npy")
    assert not (tmp_path / "out/shards").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"layers": (0,)},
        {"norm": False},
        {"dtype": "float16"},
        {"precision": "bfloat16"},
        {"resize": None, "crop": None, "size": 56},
        {"limit": 4},
        {"split": "val"},
        {"format": "npy"},
        {"overrides": ("backbone.norm_eps=1e-5",)},
    ],
    ids=str,
)
def test_a_folder_of_another_extraction_is_refused(run: Callable, change: dict[str, Any]) -> None:
    run()
    with pytest.raises(UsageError, match="holds something else than this extraction"):
        run(**change)


def test_a_folder_of_something_else_is_refused_and_left_alone(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="holds something else"):
        run()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file; name a folder"):
        run("file")


def test_a_folder_that_another_process_writes_to_is_refused(run: Callable, tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "out/.lock")
    assert lock.take()
    with pytest.raises(UsageError, match="another process is writing to"):
        run()
    lock.give_back()


def test_a_bad_image_is_named_or_left_out(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    bad = sorted(data.glob("ade20k/*/images/training/*.jpg"))[1]
    bad.write_bytes(bad.read_bytes()[:-500])
    with pytest.raises(DataError, match=bad.name):
        run(data_root=data)
    manifest = run(data_root=data, on_bad_image="skip")
    assert bad.name in capsys.readouterr().err
    assert len(manifest["images"]) == len(_columns(tmp_path / "out", manifest)["cls.1"]) == 4
    assert not [name for name in manifest["images"] if name.endswith(bad.name)]
    assert [index for index, _ in manifest["skipped"]] == [1]
    with pytest.raises(DataError, match=f"without an image: .*{bad.name}"):
        run(data_root=data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "npy", "dtype": "bfloat16"}, "numpy has no bfloat16"),
        ({"resize": 56, "crop": 64}, "--crop 64 does not fit into a short side of --resize 56"),
        ({"tokens": ("patch",)}, r"no tokens 'patch' \(did you mean 'patches'\?\)"),
        ({"tokens": ("registers",)}, "has no registers"),
        ({"layers": (2,)}, "2 is not a block of a backbone that has 2"),
        ({"split": "nope"}, "has no split 'nope'"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_before_anything_is_made(
    run: Callable, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(DenseBenchError, match=message):
        run(**change)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [(40, 91), (91, 40), (64, 64)])
def test_views_are_squares_of_one_size(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    image[:, :, 0] = np.linspace(0, 255, size[1], dtype=np.uint8)
    middle = VIEW(image)
    assert middle.shape == (56, 56, 3)
    assert abs(int(middle[:, :, 0].mean()) - 127) <= 2  # the centre of a ramp
    whole = View(resize=None, crop=56)(image)
    assert whole.shape == (56, 56, 3)
    assert whole[0, 0, 0] < 8
    assert whole[-1, -1, 0] > 247


def test_labels_and_classes_stand_beside_the_names(tmp_path: Path) -> None:
    for split, name in (("train", "cat"), ("train", "dog"), ("val", "cat"), ("val", "dog")):
        folder = tmp_path / "data/imagenet" / split / name
        folder.mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (40, 30 + number)).save(folder / f"{number}.png")
    options = ExtractOptions(data_root=tmp_path / "data", size=28, tokens=("cls",), limit=3)
    extract("pixels", DATASETS["imagenet"], tmp_path / "out", options)
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["classes"] == ["cat", "dog"]
    assert [manifest["classes"][label] for label in manifest["labels"]] == [
        Path(name).parent.name for name in manifest["images"]
    ]
    assert len(manifest["labels"]) == 3


@pytest.mark.parametrize("dataset", ["voc2012", "nyu", "kitti"])
def test_the_command_reads_every_kind_of_dataset(mini_data: Path, tmp_path: Path, dataset: str) -> None:
    words = ["--checkpoint", "pixels", "--dataset", dataset, "--data-root", str(mini_data), "--device", "cpu"]
    assert main(["extract", *words, "--output", str(tmp_path), "--limit", "2", "--size", "28", "--tokens", "cls"]) == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["columns"] == {"cls.0": {"shape": [588], "dtype": "float16"}}
    assert manifest["count"] == 2


@pytest.mark.parametrize("other", ["--crop", "--resize"])
def test_a_whole_squashed_image_has_no_crop(tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str) -> None:
    words = ["--checkpoint", "pixels", "--dataset", "nyu", "--output", str(tmp_path / "out"), "--size", "28"]
    assert main(["extract", *words, other, "28"]) == 2
    assert "--size squashes the whole image" in capsys.readouterr().err


def test_an_unknown_dataset_is_an_error(mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extract", "--checkpoint", "pixels", "--dataset", "ade", "--output", str(tmp_path / "out")]) == 2
    assert "unknown dataset 'ade'" in capsys.readouterr().err
