"""Linear depth: wiring of the protocol, variants of one forward, and whole cells through the command line."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from benchmark.backbones import load_backbone
from benchmark.cli import main
from benchmark.data.depth import DepthSplit
from benchmark.data.registry import DATASETS
from benchmark.distributed import World
from benchmark.doctor.data import examine
from benchmark.features.frozen import FrozenFeatures
from benchmark.load_protocol import load_protocol
from benchmark.metrics.depth import DEPTH_SUMS, depth_errors, scores_from_sums
from benchmark.probing import dense as flow
from benchmark.probing.depth import DepthTask, variants
from benchmark.probing.selection import hold_out
from benchmark.probing.train import Probe
from benchmark.samples.depth import DepthSample
from benchmark.samples.sample_order import SampleOrder
from heads import GradientLoss, SigLoss

_CPU = torch.device("cpu")
_QUICK = ("--protocol", "mini", "train.iterations=3", "train.batch_size=2", "probes.lr=[1e-3]")


@pytest.fixture
def run(mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs ``densebench run`` on the rendered data and returns its exit code; no other test has trained its heads."""
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))

    def _run(*words: str, data_root: Path = mini_data, checkpoint: str = "pixels") -> int:
        places = ("--data-root", str(data_root), "--results", str(tmp_path / "results"))
        return main(["run", *words, *places, "--checkpoint", checkpoint])

    return _run


def _records(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "results" / "runs").glob("*.json"))]


def _parts(name: str, *overrides: str) -> tuple[DepthTask, FrozenFeatures, Probe]:
    settings = load_protocol("nyu", name, overrides).settings
    backbone = load_backbone("pixels")
    task = DepthTask(settings, backbone.spec)
    features = FrozenFeatures(backbone, settings.features.resolved(backbone.spec.depth), _CPU)
    torch.manual_seed(0)
    return task, features, Probe(1e-3, 0.0, (0,), task.make_head(features).eval())


def _sample(height: int = 480, width: int = 640) -> DepthSample:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(3, height, width, generator=generator)
    depth = 12 * torch.rand(height, width, generator=generator)
    depth[100:200] = 0
    return DepthSample(image, depth)


def _by_hand(features: FrozenFeatures, head: torch.nn.Module, sample: DepthSample, *, flip: bool) -> torch.Tensor:
    """DINOv2's inference written out: clamp, resize to the image, then average with the mirror image's depths."""

    def one(image: torch.Tensor) -> torch.Tensor:
        depth = head(*features.head_inputs(image[None])).clamp(0.001, 10)
        return F.interpolate(depth, size=sample.depth.shape, mode="bilinear", align_corners=False)[0, 0]

    with torch.no_grad():
        plain = one(sample.image)
        return (plain + one(sample.image.flip(-1)).flip(-1)) / 2 if flip else plain


def test_every_variant_comes_from_the_same_forward_and_equals_its_definition() -> None:
    task, features, probe = _parts("dinov2-lin1")
    sample = _sample()
    sums = task.measure(sample, [probe], features)
    assert features.forwards == 2  # the image and its mirror image, for all four variants
    assert [variant.name for variant in task.variants] == ["", "no_crop", "no_flip", "no_crop_no_flip"]
    eigen = torch.zeros(480, 640, dtype=torch.bool)
    eigen[45:471, 41:601] = True
    valid = (sample.depth > 0.001) & (sample.depth < 10)
    for number, variant in enumerate(task.variants):
        inside = valid if "no_crop" in variant.name else valid & eigen
        prediction = _by_hand(features, probe.head, sample, flip="no_flip" not in variant.name)
        expected = depth_errors(sample.depth, prediction, valid=inside)
        found = scores_from_sums(sums[:1, number])
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-5), (variant.name, name)


def test_dinov3_averages_before_it_resizes_and_clamps_last() -> None:
    task, features, probe = _parts("dinov3-lin")
    sample = _sample()
    with torch.no_grad():
        images = torch.stack((sample.image, sample.image.flip(-1)))
        depths = probe.head(*features.head_inputs(images))
    average = (depths[:1] + depths[1:].flip(-1)) / 2
    resized = F.interpolate(average, size=(480, 640), mode="bilinear", align_corners=False).clamp(0.001, 10)
    valid = (sample.depth > 0.001) & (sample.depth < 10)
    inside = torch.zeros_like(valid)
    inside[45:471, 41:601] = valid[45:471, 41:601]
    expected = depth_errors(sample.depth, resized[0, 0], valid=inside)
    found = scores_from_sums(task.measure(sample, [probe], features)[:1, 0])
    assert found["rmse"] == pytest.approx(expected["rmse"], rel=1e-6)


def test_variants_that_do_not_differ_are_not_listed() -> None:
    settings = load_protocol("nyu", "dinov2-lin1", ["test.flip=none", "test.evaluation_crop=none"]).settings
    assert [variant.name for variant in variants(settings.test)] == [""]


def test_an_image_without_any_depth_is_counted_and_left_out() -> None:
    task, features, probe = _parts("dinov2-lin1")
    empty = DepthSample(_sample().image, torch.zeros(480, 640))
    sums = torch.stack([task.measure(sample, [probe], features) for sample in (_sample(), empty)], 1).numpy()
    metrics = task.metrics(sums)
    assert (metrics["images_scored"], metrics["images_without_depth"]) == (1, 1)
    assert metrics["rmse"] == pytest.approx(task.metrics(sums[:, :1])["rmse"])


def test_the_cap_holds_for_predictions_beyond_it() -> None:  # trap 18
    settings = ["test.cap=1.0", "test.evaluation_crop=none"]
    task, features, probe = _parts("dinov2-lin1", *settings)
    sample = DepthSample(_sample().image, torch.full((480, 640), 1.0))
    assert scores_from_sums(task.measure(sample, [probe], features)[:1, 0])["rmse"] == pytest.approx(0, abs=1e-6)


def test_padding_is_cut_off_only_when_it_is_asked_for() -> None:
    """480 x 640 pixels are padded to 490 x 644 for patches of 14: 5 rows and 2 columns on each side."""
    kept, _, _ = _parts("dinov2-lin1")
    cut, _, _ = _parts("dinov2-lin1", "test.crop_padding=true")
    depths = torch.rand(1, 1, 140, 184)
    size = torch.Size((480, 640))
    assert torch.equal(kept._resized(depths, size), F.interpolate(depths, size=(480, 640), mode="bilinear"))
    whole = F.interpolate(depths, size=(490, 644), mode="bilinear")
    assert torch.equal(cut._resized(depths, size), whole[..., 5:485, 2:642])


def test_the_loss_reads_its_fields_and_the_update() -> None:
    task, _, _ = _parts("dinov2-lin1", "loss.gradient_weight=0.5")
    plain, _, _ = _parts("dinov2-lin1")
    prediction, target = 1 + torch.rand(2, 1, 8, 8), 1 + torch.rand(2, 1, 32, 32)
    assert plain.loss(prediction, target, 99) < plain.loss(prediction, target, 100)  # the spread joins after warm-up
    assert task.loss(prediction, target, 100) > plain.loss(prediction, target, 100)
    other, _, _ = _parts("dinov2-lin1", "loss.mean_weight=0.6")
    ratio = other.loss(prediction, target, 0) / plain.loss(prediction, target, 0)
    assert ratio == pytest.approx(math.sqrt(0.6 / 0.15), rel=1e-5)


def test_depths_beyond_the_scored_range_are_trained_on() -> None:
    """Neither source limits its loss: DINOv2's config names no ``max_depth`` for it, DINOv3's masks zeros alone."""
    task, _, _ = _parts("dinov2-lin1", "loss.gradient_weight=0.5")
    prediction, target = 1 + torch.rand(2, 1, 8, 8), 9 + 2 * torch.rand(2, 1, 8, 8)
    assert (target > 10).any()
    expected = SigLoss()(prediction, target) + 0.5 * GradientLoss()(prediction, target)
    assert task.loss(prediction, target, 100) == pytest.approx(float(expected), rel=1e-6)


def test_the_loss_is_taken_over_groups_and_averaged() -> None:  # trap 12
    prediction, target = 1 + torch.rand(4, 1, 8, 8), 1 + 3 * torch.rand(4, 1, 8, 8)
    for group in (1, 2, 4):
        task, _, _ = _parts("dinov2-lin1", f"loss.group={group}", "loss.gradient_weight=0.5")
        one_group = [
            SigLoss(group_size=None)(*both) + 0.5 * GradientLoss(group_size=None)(*both)
            for both in zip(prediction.split(group), target.split(group), strict=True)
        ]
        assert task.loss(prediction, target, 100) == pytest.approx(float(torch.stack(one_group).mean()), rel=1e-5)


def test_warm_up_and_epsilon_of_the_loss_are_the_protocols() -> None:
    task, _, _ = _parts("dinov2-lin1", "loss.warmup_iterations=7", "loss.epsilon=0.5", "loss.gradient_weight=0.5")
    prediction, target = 1 + torch.rand(2, 1, 8, 8), 1 + torch.rand(2, 1, 8, 8)
    loss, gradient = SigLoss(warm_up=7, epsilon=0.5), GradientLoss(epsilon=0.5)
    for update in (6, 7):
        expected = loss(prediction, target, iteration=update) + 0.5 * gradient(prediction, target)
        assert task.loss(prediction, target, update) == pytest.approx(float(expected), rel=1e-6)


def test_the_head_is_the_protocols() -> None:
    _, _, probe = _parts("dinov2-lin1", "head.bins=7", "head.upsample=3", "data.depth_range=[0.5,20]")
    assert probe.head.bins.tolist() == pytest.approx(torch.linspace(0.5, 20, 7).tolist())
    assert (probe.head.upsample, type(probe.head.batchnorm_layer)) == (3, torch.nn.Identity)
    assert probe.head.conv_depth.bias.abs().sum() > 0  # PyTorch's own first weights
    _, _, probe = _parts("dinov3-lin")
    assert (probe.head.upsample, type(probe.head.batchnorm_layer)) == (1, torch.nn.BatchNorm2d)
    assert probe.head.conv_depth.bias.abs().sum() == 0


def test_only_depths_strictly_within_the_range_are_scored() -> None:
    task, features, probe = _parts("dinov2-lin1", "data.depth_range=[0.5,8]", "test.evaluation_crop=none")
    depth = torch.full((28, 28), 3.0)
    depth[0, :5], depth[1, :3], depth[2, 0], depth[3, 0] = 0.5, 8.0, 0.25, 9.0
    sums = task.measure(DepthSample(torch.zeros(3, 28, 28), depth), [probe], features)
    assert sums[0, 0, DEPTH_SUMS.index("pixels")] == 28 * 28 - 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [("dinov2-lin1", (10 + 0.001) / 2), ("dinov3-lin", 6.0)],  # clamped before 14 m and -2 m are averaged, or after
)
def test_depths_out_of_range_are_clamped_when_the_protocol_says(name: str, expected: float) -> None:
    task, _, _ = _parts(name)
    depths = torch.stack((torch.full((1, 4, 4), 14.0), torch.full((1, 4, 4), -2.0)))
    assert task._predict(depths, torch.Size((8, 8)), flip=True).unique().tolist() == pytest.approx([expected])
    assert task._predict(depths, torch.Size((8, 8)), flip=False).unique().tolist() == pytest.approx([10.0])


def test_training_is_wired_to_the_protocol(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def spy(learners: list[Any], _examples: Any, **options: Any) -> None:
        seen.update(options, learners=learners)
        raise ValueError("seen enough")

    monkeypatch.setattr(flow, "train", spy)
    assert run("nyu", "--protocol", "dinov2-lin1", "train.batch_size=4") == 1
    settings = load_protocol("nyu", "dinov2-lin1").settings
    [learner] = seen["learners"]
    assert (learner.schedule, learner.optimizer) == (settings.schedule, settings.optimizer)
    assert (seen["iterations"], learner.iterations) == (38_400, 38_400)
    probe = learner.probe
    assert (probe.lr, probe.weight_decay) == (1e-4, 0.01)
    assert probe.head.conv_depth.weight.shape == (256, 2 * 588, 1, 1)


def test_a_run_leaves_a_record_with_every_metric(run: Callable, tmp_path: Path) -> None:
    assert run("nyu", "kitti", *_QUICK) == 0
    for record in _records(tmp_path):
        metrics = record["metrics"]
        assert record["primary"] == {
            "name": "rmse", "value": metrics["rmse"], "higher_is_better": False, "ci95": None
        }  # fmt: skip
        names = ("rmse", "abs_rel", "sq_rel", "log10", "rmse_log", "silog", "delta1", "delta2", "delta3")
        assert all(math.isfinite(metrics[name]) and math.isfinite(metrics[f"{name}_pooled"]) for name in names)
        assert metrics["variants"]["no_crop_no_flip"]["rmse"] > 0
        assert record["cost"]["backbone_forwards"] == 3 * 2 + 3 * 2


def test_the_score_can_be_made_again_from_the_per_image_statistics(run: Callable, tmp_path: Path) -> None:
    run("nyu", *_QUICK, "probes.seeds=2")
    [record] = _records(tmp_path)
    table = pd.read_parquet(tmp_path / "results" / "runs" / record["per_image"])
    own = table[table["variant"] == "protocol"]
    seeds = [np.sqrt(rows["squared"] / rows["pixels"]).mean() for _, rows in own.groupby("head_seed")]
    assert seeds == pytest.approx(record["metrics"]["rmse_seeds"])
    assert record["primary"]["value"] == pytest.approx(np.mean(seeds))
    assert list(table.columns[3:]) == list(DEPTH_SUMS)


def test_a_sweep_prefers_the_smaller_error(run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("nyu", *_QUICK[:-1], "probes.lr=[1e-3,1e-1]") == 0
    [record] = _records(tmp_path)
    table = record["selection"]["candidates"]
    assert record["selection"]["chosen"] == min(table, key=lambda row: row["rmse_held_out"])
    assert record["selection"]["best_on_val"] == min(table, key=lambda row: row["rmse_val"])
    shown = SampleOrder(6, 2, 0, frozenset(hold_out(6, 0.1, 0)[1])).samples_before(3)
    assert record["cost"]["backbone_forwards"] == shown + 2 + 3 * 2  # one held-out image, flipped too
    assert "best on val would be" in capsys.readouterr().out


def test_four_layers_are_named_by_depth_and_refused_where_there_are_too_few(
    run: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--protocol", "dinov2-lin4", "train.iterations=1", "train.batch_size=2")
    assert run("nyu", *words) == 1
    assert "needs four blocks, the backbone has 1" in capsys.readouterr().err


def test_sun_trains_on_nyu_and_needs_it(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/sunrgbd").symlink_to(mini_data / "sunrgbd")
    assert run("sunrgbd", *_QUICK, data_root=tmp_path / "data") == 1
    assert "nyu: no" in capsys.readouterr().err
    (tmp_path / "data/sunrgbd").unlink()
    (tmp_path / "data/nyu").symlink_to(mini_data / "nyu")
    assert run("sunrgbd", *_QUICK, data_root=tmp_path / "data") == 1
    assert "sunrgbd: no" in capsys.readouterr().err


def test_a_sweep_chooses_on_whole_scenes(
    run: Callable, tmp_path: Path, mini_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*_QUICK[:-1], "probes.lr=[1e-3,1e-1]")
    assert run("nyu", *words) == 0
    assert "all training images are of room_0001, so single images are held out" in capsys.readouterr().out
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    root = DATASETS["nyu"].root(data)
    shutil.copytree(root / "room_0001", root / "room_0002")  # six images, the last two of which are of the second room
    lines = (root / "nyu_train.txt").read_text().splitlines(keepends=True)
    moved = [line.replace("room_0001", "room_0002") for line in lines[4:]]
    (root / "nyu_train.txt").write_text("".join(lines[:4] + moved))
    drawn: list[tuple[list[int], list[int]]] = []
    hold_out = flow.hold_out
    monkeypatch.setattr(flow, "hold_out", lambda *given: drawn.append(hold_out(*given)) or drawn[-1])
    assert run("nyu", *words, data_root=data) == 0
    assert drawn == [([0, 1, 2, 3], [4, 5])]


@pytest.mark.parametrize("words", [("probes.lr=[1e-3]",), ("probes.lr=[1e-3,1e-2]",)])
def test_heads_of_nyu_are_trained_once_and_scored_on_sun_too(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Whichever is first trains them, in one command or in two; a run that trains for itself gives the same score."""
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))
    trained: list[str] = []
    train = flow.train
    monkeypatch.setattr(flow, "train", lambda *given, **named: trained.append(named["label"]) or train(*given, **named))
    assert run("nyu", *_QUICK[:-1], *words) == 0
    assert run("sunrgbd", *_QUICK[:-1], *words) == 0
    assert trained == ["nyu train"]
    found = {record["benchmark"]: record for record in _records(tmp_path)}
    assert found["nyu"]["trained_with"] is None
    assert len(found) == 2
    assert found["sunrgbd"]["trained_with"] == found["nyu"]["id"]
    assert found["nyu"]["patch_tokens"] == [10 * 12, 10 * 12]  # 128 x 160 pixels, padded to 140 x 168
    assert found["sunrgbd"]["cost"]["backbone_forwards"] < found["nyu"]["cost"]["backbone_forwards"]
    assert run("sunrgbd", *_QUICK[:-1], *words, "--rerun") == 0
    assert trained == ["nyu train", "sunrgbd train"]
    [alone] = [each for each in _records(tmp_path) if each["benchmark"] == "sunrgbd" and each["trained_with"] is None]
    assert alone["metrics"] == found["sunrgbd"]["metrics"]


@pytest.mark.parametrize(
    "change", ["--seed=1", "probes.weight_decay=[0.5]", "features.norm=true", "train.crop=[98,98]"]
)
def test_another_training_has_heads_of_its_own(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))
    assert run("nyu", *_QUICK) == 0
    assert run("sunrgbd", *_QUICK, *change.split()) == 0
    assert [record["trained_with"] for record in _records(tmp_path)] == [None, None]


def test_heads_that_cannot_be_read_are_trained_anew(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))
    assert run("nyu", *_QUICK) == 0
    [path] = (tmp_path / "cache" / "heads").glob("*.pt")
    path.write_bytes(path.read_bytes()[:300])
    assert run("sunrgbd", *_QUICK) == 0
    assert "cannot be read and is made anew" in capsys.readouterr().out
    assert [record["trained_with"] for record in _records(tmp_path)] == [None, None]


def test_sun_scores_a_head_that_nyu_trained(run: Callable, mini_data: Path, tmp_path: Path) -> None:  # trap 18
    """NYU's test images in SUN RGB-D's layout, their millimetres rotated left by three bits: the same RMSE."""
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    nyu, sun = DATASETS["nyu"].root(data), DATASETS["sunrgbd"].root(data)
    (sun / "SUNRGBD" / "kv1").mkdir(parents=True, exist_ok=True)
    lines = []
    for number, line in enumerate((nyu / "nyu_test.txt").read_text().splitlines()):
        image, depth = (nyu / word.lstrip("/") for word in line.split()[:2])
        shutil.copy(image, sun / f"SUNRGBD/kv1/{number}.jpg")
        with Image.open(depth) as file:
            millimetres = np.asarray(file).astype(np.uint16)
        Image.fromarray(millimetres << 3 | millimetres >> 13).save(sun / f"SUNRGBD/kv1/{number}.png")
        lines.append(f"SUNRGBD/kv1/{number}.jpg SUNRGBD/kv1/{number}.png")
    (sun / "SUNRGBD_val_splits.txt").write_text("\n".join(lines))
    small = ("train.iterations=2", "train.batch_size=2", "train.crop=[112,112]", "train.fixed_crop=None")
    assert run("sunrgbd", "nyu", "--protocol", "dinov2-lin1", *small, data_root=data) == 0
    found = {record["benchmark"]: record for record in _records(tmp_path)}
    assert found["sunrgbd"]["primary"]["value"] == pytest.approx(found["nyu"]["primary"]["value"], abs=1e-6)
    assert found["sunrgbd"]["data"]["fingerprint"] != found["nyu"]["data"]["fingerprint"]


def _change_depths(data_root: Path, name: str, split: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in DepthSplit(DATASETS[name], data_root, split).files[1::2]:
        with Image.open(path) as depth:
            values = np.asarray(depth).astype(np.uint16)
        Image.fromarray(change(values).astype(np.uint16)).save(path)


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ("val", "no pixel of split 'val' has a depth within the range and the evaluation crop; there is no score"),
        ("train", "no pixel of split 'train' has a depth; there is nothing to learn from"),
    ],
)
def test_a_split_without_any_depth_is_refused_before_the_training(
    run: Callable,
    mini_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    split: str,
    told: str,
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    _change_depths(data, "nyu", split, lambda values: 0 * values)
    monkeypatch.setattr(flow, "train_probes", lambda *_, **__: pytest.fail("it trained"))
    assert run("nyu", *_QUICK, data_root=data) == 1
    assert f"nyu: {told}" in capsys.readouterr().err


def _hundredth(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Divides depths by 100, as maps in another unit are."""
    if name != "sunrgbd":
        return lambda values: values // 100

    def change(values: np.ndarray) -> np.ndarray:
        millimetres = (values >> 3 | values << 13) // 100
        return millimetres << 3 | millimetres >> 13

    return change


@pytest.mark.parametrize(
    ("benchmark", "name", "split"),
    [
        ("nyu", "nyu", "val"),
        ("nyu", "nyu", "train"),
        ("kitti", "kitti", "val"),
        ("kitti", "kitti", "train"),
        ("sunrgbd", "sunrgbd", "val"),
        ("sunrgbd", "nyu", "train"),
    ],
)
def test_depth_in_another_unit_is_refused_by_run_as_by_check(
    run: Callable,
    mini_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    benchmark: str,
    name: str,
    split: str,
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    _change_depths(data, name, split, _hundredth(name))
    assert any("the depth maps are in another unit" in problem for problem in examine(DATASETS[name], data).problems)
    monkeypatch.setattr(flow, "train_probes", lambda *_, **__: pytest.fail("it trained"))
    assert run(benchmark, *_QUICK, data_root=data) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert f"{name}: split '{split}': the median depth is 0." in line
    assert "the depth maps are in another unit than the official ones" in line


def test_heads_that_are_there_score_no_depth_in_another_unit(
    run: Callable, mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    _change_depths(data, "sunrgbd", "val", _hundredth("sunrgbd"))
    assert run("nyu", *_QUICK, data_root=data) == 0
    assert run("sunrgbd", *_QUICK, data_root=data) == 1
    assert "sunrgbd: split 'val': the median depth is 0.0" in capsys.readouterr().err


def test_statistics_of_a_process_without_images_have_the_right_shape() -> None:
    from benchmark.progress import Progress

    task, features, probe = _parts("dinov2-lin1")
    features.world = World()
    found = flow.measure_images(task, [probe], iter(()), features, total=0, progress=Progress(0, "none", quiet=True))
    assert found.shape == (1, 0, 4, len(DEPTH_SUMS))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["nyu", "kitti"])
def test_real_images_run_end_to_end(
    run: Callable, tmp_path: Path, real_data: Path, checkpoint: Path, name: str
) -> None:
    words = ("train.iterations=1", "train.batch_size=2")
    assert run(name, *words, data_root=real_data, checkpoint=str(checkpoint)) == 0
    [record] = _records(tmp_path)
    assert 0 < record["primary"]["value"] < 80
    assert record["metrics"]["images_scored"] == record["data"]["splits"]["val"]


def test_maps_of_one_row_are_scored_and_what_the_crop_leaves_nothing_of_is_told_before_the_training(
    run: Callable, mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    root = DATASETS["nyu"].root(data)
    image, depth, _ = (root / "nyu_test.txt").read_text().splitlines()[0].replace("/room", "room").split()
    Image.new("RGB", (160, 1), (90, 20, 10)).save(root / image)
    Image.fromarray(np.full((1, 160), 2500, np.uint16)).save(root / depth)
    assert run("nyu", *_QUICK, "test.evaluation_crop=none", data_root=data) == 0
    monkeypatch.setattr(flow, "train_probes", lambda *_: pytest.fail("it trained"))
    assert run("nyu", *_QUICK, data_root=data) == 1
    told = capsys.readouterr().err
    assert f"{root / image}: the evaluation crop 'eigen' holds no pixel of a 1 x 160 depth map" in told
    assert "Traceback" not in told
