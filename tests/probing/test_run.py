"""Whole cells through the command line: records, skipping, killing, failing."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from benchmark.cli import main
from benchmark.data.registry import DATASETS
from benchmark.data.segmentation import SegmentationSplit
from benchmark.errors import DataError
from benchmark.features.frozen import FrozenFeatures
from benchmark.load_protocol import load_protocol
from benchmark.metrics.iou import scores_from_areas
from benchmark.probing import dense, segmentation
from benchmark.probing.selection import hold_out
from benchmark.probing.splits import open_splits
from benchmark.probing.train import Example, ProbeLearner
from benchmark.records.store import RecordStore
from benchmark.samples.sample_order import SampleOrder

_QUICK = ("--protocol", "mini", "train.iterations=4", "train.batch_size=2", "probes.lr=[1e-2]")


@pytest.fixture
def run(mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs ``densebench run`` on the rendered data and returns its exit code; no other test has trained its heads."""
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))

    def _run(*words: str, results: str = "results", data_root: Path = mini_data, checkpoint: str = "pixels") -> int:
        options = ("--data-root", str(data_root), "--results", str(tmp_path / results), "--checkpoint", checkpoint)
        return main(["run", *words, *options])

    return _run


def _records(tmp_path: Path, results: str = "results") -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((tmp_path / results / "runs").glob("*.json"))]


def test_a_run_leaves_a_whole_record(run: Callable, tmp_path: Path, checkpoint: Path) -> None:
    assert run("voc2012", *_QUICK, "--name", "mine", checkpoint=str(checkpoint)) == 0
    [record] = _records(tmp_path)
    assert record["status"] == "success"
    assert record["model"]["name"] == "mine"
    assert (record["model"]["arch"], record["model"]["layout"]) == ("ViT-192x2/14", "dinov2")
    assert record["model"]["ignored"] == {"used in pre-training only": ["mask_token"]}
    assert record["model"]["overhead_pct"] == 0
    assert record["patch_tokens"] == [64, 64]  # windows of 112 pixels
    assert record["model"]["assumed"] == [
        "num_heads", "norm_eps", "image_size", "interpolate_offset", "interpolate_antialias", "mean", "std"
    ]  # fmt: skip
    assert record["protocol"]["overrides"] == ["probes.lr=[1e-2]", "train.batch_size=2", "train.iterations=4"]
    assert record["protocol"]["fields"]["train"]["iterations"] == 4
    assert record["data"]["splits"] == {"train": 6, "val": 3}
    assert record["primary"]["name"] == "miou"
    assert record["primary"]["value"] == record["metrics"]["miou"]
    windows = 2  # a 112 x 140 image takes two
    assert record["cost"]["backbone_forwards"] == 4 * 2 + 3 * windows
    assert record["selection"] is None
    assert "densebench run voc2012" in record["command"]
    assert not list((tmp_path / "results" / "resume").glob("*.pt"))
    assert not list((tmp_path / "results" / "runs").glob(".*"))


def test_a_specialised_and_compiled_checkpoint_runs_like_any_other(
    run: Callable, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compile_it = torch.nn.Module.compile  # the eager backend needs no C++ compiler
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda module, **given: compile_it(module, backend="eager", **given)
    )
    special = tmp_path / "special.safetensors"
    assert main(["specialize", str(checkpoint), str(special), "--preset", "norms+qkv"]) == 0
    assert run("voc2012", *_QUICK, "--compile", checkpoint=str(special)) == 0
    assert run("voc2012", *_QUICK, checkpoint=str(checkpoint), results="shared") == 0
    [record], [shared] = _records(tmp_path), _records(tmp_path, "shared")
    assert record["model"]["specialization"] == "norms+qkv[0]"
    assert record["model"]["overhead_pct"] > 8
    assert "compiled with torch.compile" in record["model"]["notes"]
    assert record["metrics"]["miou"] == pytest.approx(shared["metrics"]["miou"], abs=0.5)  # equal up to rounding
    assert "left out" not in capsys.readouterr().out


def test_the_score_can_be_made_again_from_the_per_image_statistics(run: Callable, tmp_path: Path) -> None:
    run("voc2012", *_QUICK, "probes.seeds=2")
    [record] = _records(tmp_path)
    table = pd.read_parquet(tmp_path / "results" / "runs" / record["per_image"])
    assert table["image"].nunique() == 3
    scores = []
    for _, rows in table.groupby("head_seed"):
        areas = rows.groupby("class")[["intersection", "prediction", "label"]].sum().reindex(range(21), fill_value=0)
        scores.append(100 * scores_from_areas(*areas.to_numpy().T)["miou"])
    assert scores == pytest.approx(record["metrics"]["miou_seeds"])
    assert record["primary"]["value"] == pytest.approx(sum(scores) / 2)
    assert scores[0] != scores[1]


def test_the_same_seed_gives_the_same_metrics_to_the_last_digit(run: Callable, tmp_path: Path) -> None:
    for results in ("one", "two"):
        run("ade20k", *_QUICK, results=results)
    run("ade20k", *_QUICK, "--seed", "1", results="three")
    one, two, three = (_records(tmp_path, results)[0]["metrics"] for results in ("one", "two", "three"))
    assert one == two
    assert one != three


def test_a_cell_that_is_done_is_skipped_unless_rerun(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("voc2012", *_QUICK)
    assert run("voc2012", *_QUICK) == 0
    assert "done already" in capsys.readouterr().out
    assert len(_records(tmp_path)) == 1
    run("voc2012", *_QUICK, "--rerun")
    run("voc2012", *_QUICK, "--seed", "1")
    run("voc2012", *_QUICK, "train.flip=0")
    assert len(_records(tmp_path)) == 4


def test_another_checkpoint_of_the_same_name_is_another_cell(
    run: Callable, tmp_path: Path, checkpoint: Path, make_vit: Callable
) -> None:
    run("voc2012", *_QUICK, checkpoint=str(checkpoint))
    vit = make_vit(seed=5, embed_dim=192, depth=2, num_heads=3, ffn_dim=384)
    torch.save(vit.state_dict(), checkpoint)
    run("voc2012", *_QUICK, checkpoint=str(checkpoint))
    one, two = _records(tmp_path)
    assert one["model"]["checkpoint_sha256"] != two["model"]["checkpoint_sha256"]


def test_a_sweep_adds_heads_not_passes_and_chooses_on_held_out_train(run: Callable, tmp_path: Path) -> None:  # trap 22
    grid = ("probes.lr=[1e-2,1e-3]", "probes.weight_decay=[0.0,0.1]", "probes.seeds=2")
    assert run("voc2012", *_QUICK[:-1], *grid) == 0
    [record] = _records(tmp_path)
    selection = record["selection"]
    assert selection["on"] == "held-out train"
    held_out = round(record["protocol"]["fields"]["selection"]["holdout"] * record["data"]["splits"]["train"])
    assert selection["images"] == held_out
    assert len(selection["candidates"]) == 4
    best = max(selection["candidates"], key=lambda candidate: candidate["miou_held_out"])
    assert selection["chosen"] == best
    assert record["primary"]["value"] == pytest.approx(selection["chosen"]["miou_val"])
    assert selection["best_on_val"]["miou_val"] == max(c["miou_val"] for c in selection["candidates"])
    windows = 2
    shown = SampleOrder(6, 2, 0, frozenset(hold_out(6, held_out / 6, 0)[1])).samples_before(4)
    assert record["cost"]["backbone_forwards"] == shown + (held_out + 3) * windows


def test_a_limited_run_is_short_and_stays_out_of_the_leaderboard(run: Callable, tmp_path: Path) -> None:
    assert run("ade20k", "voc2012", "--protocol", "mini", "--limit", "2") == 0
    for record in _records(tmp_path):
        assert record["limit"] == 2
        assert record["data"]["splits"] == {"train": 2, "val": 2}
        assert record["protocol"]["fields"]["train"]["iterations"] == 2
    assert len((tmp_path / "results" / "leaderboard.csv").read_text().splitlines()) == 1
    assert len((tmp_path / "results" / "runs.csv").read_text().splitlines()) == 3


def test_a_group_skips_what_has_no_data_and_a_name_does_not(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("ade20k", "voc2012"):
        (data / name).symlink_to(mini_data / name)
    small = ("--limit", "1", "train.batch_size=1", "train.crop=28", "test.window=512")
    assert run("seg", *small, data_root=data) == 0
    assert "cityscapes: skipped, no " in capsys.readouterr().out
    assert {record["benchmark"] for record in _records(tmp_path)} == {"ade20k", "voc2012"}
    assert run("cityscapes", "--limit", "1", data_root=data) == 1
    assert "cityscapes: no " in capsys.readouterr().err


def test_one_failing_cell_leaves_an_error_record_and_the_others_run(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    image = next((DATASETS["ade20k"].root(data) / "images/validation").glob("*.jpg"))
    image.write_bytes(image.read_bytes()[:-600])
    assert run("ade20k", "voc2012", *_QUICK, data_root=data) == 1
    failed, succeeded = sorted(_records(tmp_path), key=lambda record: record["status"])
    assert (failed["status"], failed["benchmark"]) == ("error", "ade20k")
    assert image.name in failed["error"]
    assert failed["metrics"] is failed["primary"] is failed["per_image"] is None
    assert succeeded["benchmark"] == "voc2012"
    [message] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "cannot be read" in message
    shutil.copy(next((DATASETS["ade20k"].root(mini_data) / "images/validation").glob("*.jpg")), image)
    assert run("ade20k", *_QUICK, data_root=data) == 0  # the failed record does not count as done
    assert RecordStore(tmp_path / "results").read().problems == []


def test_diverged_training_is_a_failure_not_a_score(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("voc2012", *_QUICK[:-1], "probes.lr=[1e30]") == 1
    assert "training diverged at lr 1e+30" in capsys.readouterr().err
    assert _records(tmp_path)[0]["status"] == "error"


def test_a_diverged_candidate_is_not_chosen(run: Callable, tmp_path: Path) -> None:
    assert run("voc2012", *_QUICK[:-1], "probes.lr=[1e30,1e-3]") == 0
    selection = _records(tmp_path)[0]["selection"]
    assert selection["chosen"]["lr"] == selection["best_on_val"]["lr"] == 1e-3
    assert selection["candidates"][0]["miou_held_out"] is None


def test_a_file_that_goes_missing_mid_run_leaves_an_error_record(
    run: Callable, mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    image = next((DATASETS["ade20k"].root(data) / "images/validation").glob("*.jpg"))
    trained = dense.train_probes

    def train_then_lose(*arguments: Any, **options: Any) -> None:
        trained(*arguments, **options)
        image.unlink(missing_ok=True)

    monkeypatch.setattr(dense, "train_probes", train_then_lose)
    assert run("ade20k", "voc2012", *_QUICK, data_root=data) == 1
    failed, succeeded = sorted(_records(tmp_path), key=lambda record: record["status"])
    assert (failed["status"], succeeded["status"]) == ("error", "success")
    assert image.name in failed["error"]


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("name", ["ade20k", "nyu"])
def test_a_damaged_held_out_file_is_told_before_the_training(
    run: Callable,
    mini_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refit: bool,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    words = (*_QUICK[:-1], "probes.lr=[1e-2,1e-3]", f"selection.refit={str(refit).lower()}")
    split = open_splits(load_protocol(name, "mini", words[2:]), data, None).train
    settings = load_protocol(name, "mini", words[2:]).settings
    _, held_out = hold_out(len(split), settings.selection.holdout, 0, split.scenes)
    image = split.files[2 * held_out[-1]]
    image.write_bytes(image.read_bytes()[:-600])
    monkeypatch.setattr(dense, "train_probes", lambda *_, **__: pytest.fail("it trained"))
    assert run(name, *words, data_root=data) == 1
    assert f"{image} cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["labels", "image", "size"])
def test_a_damaged_file_of_the_scored_split_is_told_before_the_training(
    run: Callable,
    mini_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    root = DATASETS["ade20k"].root(data)
    image, labels = max((root / "images/validation").iterdir()), max((root / "annotations/validation").iterdir())
    if damage == "labels":
        Image.new("L", (160, 128), 151).save(labels)
    elif damage == "size":
        Image.new("L", (160, 127), 1).save(labels)
    else:
        image.write_bytes(image.read_bytes()[:-600])
    monkeypatch.setattr(dense, "train_probes", lambda *_: pytest.fail("it trained"))
    assert run("ade20k", *_QUICK, data_root=data) == 1
    assert (image if damage == "image" else labels).name in capsys.readouterr().err


def test_label_maps_of_one_row_and_one_column_are_trained_on_and_scored(
    run: Callable, mini_data: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    root = DATASETS["ade20k"].root(data)
    sizes = {"training": [(160, 1), (1, 128)], "validation": [(160, 1), (1, 9)]}
    for split, of_split in sizes.items():
        images = sorted((root / "images" / split).iterdir(), reverse=True)
        for image, size in zip(images, of_split, strict=False):
            Image.new("RGB", size, (90, 20, 10)).save(image)
            Image.new("L", size, 4).save(root / "annotations" / split / f"{image.stem}.png")
    assert run("ade20k", *_QUICK, data_root=data) == 0  # eight images of six
    [record] = _records(tmp_path)
    table = pd.read_parquet(tmp_path / "results/runs" / record["per_image"])
    assert table.groupby("image")["label"].sum().sort_index().tolist()[-2:] == [9, 160]


def test_training_is_wired_to_the_protocol(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def spy(learners: list[Any], _examples: Any, **options: Any) -> None:
        seen.update(options, learners=learners)
        raise DataError("seen enough")

    monkeypatch.setattr(dense, "train", spy)
    words = ("--protocol", "dinov3-lin", "loss.average=labelled", "optimizer.clip_norm=2.0", "train.batch_size=3")
    assert run("voc2012", *words) == 1
    settings = load_protocol("voc2012", "dinov3-lin", words[2:]).settings
    [learner] = seen["learners"]
    assert (learner.schedule, learner.optimizer) == (settings.schedule, settings.optimizer)
    assert (seen["iterations"], learner.iterations) == (40_000, 40_000)
    probe = learner.probe
    assert (probe.lr, probe.weight_decay, probe.head.dropout.p) == (1e-3, 1e-3, 0.1)
    logits, labels = torch.zeros(1, 21, 2, 2), torch.tensor([[[0, 255], [255, 255]]])
    assert learner.loss(logits, labels, 0).item() == pytest.approx(math.log(21))  # over one pixel, not over four


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("stored", [(), ('train.stored={"views":2,"dtype":"float32"}',)])
def test_probes_that_choose_never_see_a_held_out_image(
    run: Callable, monkeypatch: pytest.MonkeyPatch, refit: bool, stored: tuple[str, ...]
) -> None:
    """Held-out images are marked with a class of their own; with a refit, the probes that are scored do see it."""
    mark = 19
    _, held_out = hold_out(6, 0.25, 0)
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    load, learn = SegmentationSplit.load, ProbeLearner.learn

    def marked(split: SegmentationSplit, index: int) -> Any:
        results = load(split, index)
        if split.name == "train" and index in held_out:
            results["gt_seg_map"] = np.full_like(results["gt_seg_map"], mark)
        return results

    def watched(learner: ProbeLearner, example: Example, step: int) -> Any:
        seen[learner.chooses].update(example.target.unique().tolist())
        return learn(learner, example, step)

    monkeypatch.setattr(SegmentationSplit, "load", marked)
    monkeypatch.setattr(ProbeLearner, "learn", watched)
    words = (
        "--protocol",
        "mini",
        f"selection.refit={str(refit).lower()}",
        "train.iterations=8",
        "train.batch_size=2",
        *stored,
    )
    assert run("voc2012", *words, "probes.lr=[1e-2,1e-3]") == 0
    assert (mark in seen[False]) == refit
    assert mark not in seen[True]
    assert bool(seen[True]) == refit  # without a refit, those that choose are scored


@pytest.mark.parametrize(("benchmark", "metric"), [("voc2012", "miou"), ("nyu", "rmse")])
@pytest.mark.parametrize("stored", [(), ('train.stored={"views":2,"dtype":"float32"}',)])
def test_a_sweep_scores_each_probe_as_it_is_scored_alone(
    run: Callable, tmp_path: Path, benchmark: str, metric: str, stored: tuple[str, ...]
) -> None:
    words = ("--protocol", "mini", "train.iterations=6", "train.batch_size=2", *stored)
    assert run(benchmark, *words, "probes.lr=[1e-2,1e-3]", "probes.weight_decay=[0.0]") == 0
    [sweep] = _records(tmp_path)
    for candidate in sweep["selection"]["candidates"]:
        assert run(benchmark, *words, f"probes.lr=[{candidate['lr']}]", "probes.weight_decay=[0.0]") == 0
        [alone] = [record for record in _records(tmp_path) if record["selection"] is None]
        (tmp_path / "results" / "runs" / f"{alone['id']}.json").unlink()
        assert candidate[f"{metric}_val"] == alone["primary"]["value"]


@pytest.mark.parametrize(("patch", "side"), [(14, 448), (16, 512)])
def test_a_crop_in_patches_has_as_many_tokens_with_every_backbone(
    run: Callable, tmp_path: Path, make_vit: Callable, monkeypatch: pytest.MonkeyPatch, patch: int, side: int
) -> None:
    torch.save(
        make_vit(embed_dim=64, depth=1, num_heads=1, ffn_dim=64, patch_size=patch).state_dict(), tmp_path / "v.pth"
    )
    sizes: set[tuple[int, ...]] = set()
    tokens = FrozenFeatures.tokens

    def watched(features: FrozenFeatures, images: torch.Tensor, **options: Any) -> Any:
        sizes.add(tuple(images.shape[-2:]))
        return tokens(features, images, **options)

    monkeypatch.setattr(FrozenFeatures, "tokens", watched)
    words = ("--protocol", "dinov3-lin-sweep", "--limit", "2", "train.batch_size=2", "probes.lr=[1e-3]")
    assert run("voc2012", *words, checkpoint=str(tmp_path / "v.pth")) == 0
    assert sizes == {(side, side)}
    assert _records(tmp_path)[0]["protocol"]["fields"]["test"]["window"] == {"patches": 32}


@pytest.mark.parametrize("field", ["crop_padding", "stride", "window"])
def test_scoring_is_wired_to_the_protocol(run: Callable, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    made: list[Any] = []
    original = segmentation.Windows
    monkeypatch.setattr(
        segmentation, "Windows", lambda *arguments: made.append(original(*arguments)) or original(*arguments)
    )
    value = {"crop_padding": True, "stride": 56, "window": 98}[field]
    assert run("voc2012", *_QUICK, f"test.{field}={str(value).lower()}") == 0
    assert getattr(made[0], field) == value


def test_a_layer_that_does_not_exist_is_refused(run: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("voc2012", *_QUICK, "features.layers=[12]") == 1
    assert "features.layers: 12 is not a block of pixels/14, which has 1" in capsys.readouterr().err


def test_images_in_train_and_val_stop_the_cell(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    lists = DATASETS["voc2012"].root(data) / "ImageSets/Segmentation"
    shutil.copy(lists / "train.txt", lists / "val.txt")
    assert run("voc2012", *_QUICK, data_root=data) == 1
    assert "in both 'train' and 'val'" in capsys.readouterr().err


def test_what_is_assumed_of_a_checkpoint_is_told_once_and_makes_no_other_cell(
    run: Callable, tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("voc2012", "ade20k", *_QUICK, checkpoint=str(checkpoint)) == 0
    text = capsys.readouterr().out
    assert text.count("not stated and assumed: num_heads=3, norm_eps=1e-06") == 1
    for path in (tmp_path / "results" / "runs").glob("*.json"):
        record = json.loads(path.read_text())
        del record["model"]["assumed"]  # as records were before it was kept
        path.write_text(json.dumps(record))
    assert run("voc2012", *_QUICK, checkpoint=str(checkpoint)) == 0
    assert "done already" in capsys.readouterr().out


def test_incomplete_data_is_told(run: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    run("voc2012", *_QUICK)
    assert "voc2012: note: not the official release: train 6 of 1,464, val 3 of 1,449 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("validation", "no pixel of split 'val' is labelled; there is no score"),
        ("training", "no pixel of split 'train' is labelled; there is nothing to learn from"),
    ],
)
def test_a_split_without_a_labelled_pixel_is_refused_before_the_training(
    run: Callable,
    mini_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    told: str,
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    for mask in (DATASETS["ade20k"].root(data) / "annotations" / folder).glob("*.png"):
        with Image.open(mask) as file:
            Image.new("L", file.size, 0).save(mask)
    monkeypatch.setattr(dense, "train_probes", lambda *_, **__: pytest.fail("it trained"))
    assert run("ade20k", *_QUICK, data_root=data) == 1
    assert f"ade20k: {told}" in capsys.readouterr().err
    assert RecordStore(tmp_path / "results").read().problems == []


def test_one_labelled_map_is_enough_to_learn_from(run: Callable, mini_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    for mask in sorted((DATASETS["ade20k"].root(data) / "annotations/training").glob("*.png"))[:-1]:
        with Image.open(mask) as file:
            Image.new("L", file.size, 0).save(mask)
    assert run("ade20k", *_QUICK, data_root=data) == 0


def test_held_out_images_without_a_labelled_pixel_choose_nothing(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    masks = sorted((DATASETS["ade20k"].root(data) / "annotations/training").glob("*.png"))
    _, held_out = hold_out(len(masks), load_protocol("ade20k", "mini").settings.selection.holdout, 0, None)
    for index in held_out:
        with Image.open(masks[index]) as file:
            Image.new("L", file.size, 0).save(masks[index])
    assert run("ade20k", *_QUICK[:-1], "probes.lr=[1e-2,1e-3]", data_root=data) == 1
    told = f"no pixel of the {len(held_out)} images held out of 'train' is labelled; there is no score"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "options", "match"),
    [
        (("ade20",), {}, "unknown benchmark 'ade20'"),
        (("ade20k", "--protocol", "nope"), {}, "no protocol 'nope'"),
        (("ade20k", *_QUICK, "train.iter=3"), {}, "no protocol field 'train.iter'"),
        (("ade20k", *_QUICK), {"checkpoint": "nowhere.pth"}, "nowhere.pth does not exist"),
        (("ade20k", *_QUICK, "--device", "cuda"), {}, "sees no CUDA device"),
    ],
)
def test_a_command_that_cannot_work_says_so_on_one_line_and_leaves_nothing(
    run: Callable,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    options: dict[str, str],
    match: str,
) -> None:
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert run(*words, **options) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert match in line
    assert _records(tmp_path) == []


def test_results_that_cannot_be_written_are_refused_before_any_work(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").write_text("a file stands where the folder should")
    assert run("ade20k", *_QUICK) == 2
    assert "results cannot be written to: " in capsys.readouterr().err


def test_a_killed_run_goes_on_and_gives_the_unbroken_result(
    run: Callable, mini_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    words = ("voc2012", "--protocol", "mini", "train.iterations=40", "train.batch_size=2", "probes.lr=[1e-2]")
    run(*words, checkpoint=str(checkpoint), results="unbroken")
    command = [
        *(sys.executable, "-m", "benchmark", "run", *words, "--save-every", "0"),
        *("--data-root", str(mini_data), "--results", str(tmp_path / "killed"), "--checkpoint", str(checkpoint)),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    resume = tmp_path / "killed" / "resume"
    deadline = time.monotonic() + 120
    while not list(resume.glob("[!.]*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not list((tmp_path / "killed" / "runs").glob("*.json"))
    [state] = resume.glob("[!.]*.pt")
    assert run(*words, checkpoint=str(checkpoint), results="killed") == 0
    unbroken, resumed = (_records(tmp_path, results)[0] for results in ("unbroken", "killed"))
    assert resumed["metrics"] == unbroken["metrics"]
    assert resumed["cost"]["backbone_forwards"] == unbroken["cost"]["backbone_forwards"]
    assert not state.exists()


def test_cost_is_that_of_the_run(run: Callable, tmp_path: Path) -> None:
    run("voc2012", *_QUICK)
    cost = _records(tmp_path)[0]["cost"]
    assert cost["wall_s"] > 0
    assert cost["images_per_s"] == pytest.approx(cost["backbone_forwards"] / cost["wall_s"], rel=0.01)
    assert cost["peak_memory_mb"] > 50


@pytest.mark.real_data
def test_real_images_run_end_to_end(run: Callable, tmp_path: Path, real_data: Path, checkpoint: Path) -> None:
    assert (
        run("ade20k", "voc2012", "--limit", "2", "train.batch_size=2", data_root=real_data, checkpoint=str(checkpoint))
        == 0
    )
    assert [record["status"] for record in _records(tmp_path)] == ["success", "success"]


def test_the_environment_speaks_of_densebench_not_of_the_callers_folder(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (
        ["init", "-q"],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *words], cwd=other, check=True, env=git)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=other, check=True, capture_output=True, text=True).stdout
    monkeypatch.chdir(other)
    run("voc2012", *_QUICK)
    environment = _records(tmp_path)[0]["environment"]
    assert environment["git_commit"] != head.strip()
    assert environment["packages"]["torch"].startswith("2.13")
