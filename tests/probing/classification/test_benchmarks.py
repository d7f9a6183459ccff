"""ImageNet benchmarks from the command line to the record, on the rendered data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from benchmark.backbones import load_backbone
from benchmark.benchmarks import groups
from benchmark.cli import main
from benchmark.data.classification import ClassificationSplit
from benchmark.data.registry import DATASETS
from benchmark.features.frozen import FrozenBackbone
from benchmark.load_protocol import load_protocol
from benchmark.probing.classification import knn, linear, logreg
from benchmark.probing.selection import hold_out
from benchmark.samples.classification import train_sample, view_sample
from benchmark.samples.loader import numpy_seeded
from benchmark.samples.sample_order import Place, SampleOrder
from heads import LinearProbes

_QUICK = ("train.iterations=4", "train.batch_size=4", "probes.lr=[0.01,0.1]")


@pytest.fixture
def run(mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs ``densebench run`` with features of its own and returns its exit code."""
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))

    def _run(*words: str, data_root: Path = mini_data, checkpoint: str | Path = "pixels", results: str = "r") -> int:
        places = ("--data-root", str(data_root), "--results", str(tmp_path / results), "--protocol", "mini")
        return main(["run", *words, *places, "--checkpoint", str(checkpoint)])

    return _run


def _records(results: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in sorted((results / "runs").glob("*.json"))]
    return {record["benchmark"]: record for record in found}


def _cls_tokens(checkpoint: str | Path, data_root: Path, benchmark: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """[CLS] of the last block and labels, one image at a time, rounded as the store rounds them."""
    view = load_protocol(benchmark, "mini").settings.view
    backbone = load_backbone(str(checkpoint))
    images = ClassificationSplit(DATASETS["imagenet"], data_root, split)
    sample = view_sample(images, view, backbone.spec.preprocessing)
    encoder = FrozenBackbone(backbone, torch.device("cpu"))
    rows = []
    for index in range(len(images)):
        [tokens] = encoder.tokens(sample(index).image[None], layers=(-1,), norm=True, precision="float32")
        rows.append(tokens.cls[0].half().double().numpy())
    return np.stack(rows), images.labels


def test_all_three_leave_records_with_scores_and_a_row_per_image(
    run: Callable, tmp_path: Path, checkpoint: Path
) -> None:
    assert run("imagenet", *_QUICK, checkpoint=checkpoint) == 0
    records = _records(tmp_path / "r")
    assert set(records) == set(groups()["imagenet"])
    for name, record in records.items():
        metrics, rows = record["metrics"], pd.read_parquet(tmp_path / "r" / "runs" / record["per_image"])
        assert record["primary"]["value"] == metrics["top1"] == pytest.approx(100 * rows["hit"].mean())
        assert metrics["top5"] == pytest.approx(100 * rows["hit5"].mean())
        assert (rows["hit"] == (rows["prediction"] == rows["label"])).all()
        assert (rows["hit"] <= rows["hit5"]).all()
        assert metrics["mean_class_accuracy"] == pytest.approx(100 * rows.groupby("label")["hit"].mean().mean())
        assert len(rows) == record["data"]["splits"]["val"] == metrics["images_scored"]
        assert record["selection"]["on"] == "held-out train", name
    assert "train.iterations=4" not in records["imagenet-knn"]["protocol"]["overrides"]


@pytest.fixture
def with_sketch(mini_data: Path, tmp_path: Path) -> Path:
    """Copies of the rendered ImageNet and of its val as a further test set, which a test may damage."""
    data = tmp_path / "data"
    shutil.copytree(mini_data / "imagenet", data / "imagenet")
    shutil.copytree(mini_data / "imagenet/val", data / "imagenet-sketch/sketch")
    return data


def test_a_further_test_set_of_the_same_images_has_the_same_score(
    run: Callable, tmp_path: Path, with_sketch: Path, checkpoint: Path
) -> None:
    assert run("imagenet", *_QUICK, checkpoint=checkpoint, data_root=with_sketch) == 0
    for record in _records(tmp_path / "r").values():
        metrics = record["metrics"]
        assert metrics["sketch"] == {"top1": metrics["top1"], "images_scored": metrics["images_scored"]}


@pytest.mark.parametrize("name", ["imagenet-knn", "imagenet-linear", "imagenet-logreg"])
def test_a_damaged_image_of_a_further_test_set_is_told_before_anything_is_fitted(
    run: Callable,
    with_sketch: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image = max((with_sketch / "imagenet-sketch/sketch").glob("*/*"))
    image.write_bytes(image.read_bytes()[:-600])
    for module, fits in ((knn, "Ranker"), (linear, "train"), (logreg, "_fitted")):
        monkeypatch.setattr(module, fits, lambda *_, **__: pytest.fail("it fits"))
    words = _QUICK if name == "imagenet-linear" else ()
    assert run(name, *words, data_root=with_sketch) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert f"{image} cannot be read" in line


def test_a_damaged_held_out_image_is_told_before_the_linear_training(
    run: Callable, mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(mini_data, tmp_path / "data"))
    images = ClassificationSplit(DATASETS["imagenet"], data, "train")
    image = images.files[hold_out(len(images), 0.25, 0)[1][0]]
    image.write_bytes(image.read_bytes()[:-600])
    monkeypatch.setattr(linear, "train", lambda *_, **__: pytest.fail("it trains"))
    assert run("imagenet-linear", *_QUICK, data_root=data) == 1
    assert f"{image} cannot be read" in capsys.readouterr().err


def test_nothing_is_encoded_twice(run: Callable, tmp_path: Path, checkpoint: Path) -> None:
    assert run("imagenet-linear", *_QUICK, checkpoint=checkpoint) == 0
    assert run("imagenet-knn", checkpoint=checkpoint) == 0
    assert run("imagenet-knn", checkpoint=checkpoint, results="other") == 0
    records = _records(tmp_path / "r")
    train, val = (records["imagenet-knn"]["data"]["splits"][name] for name in ("train", "val"))
    held_out = records["imagenet-linear"]["selection"]["images"]
    shown = SampleOrder(train, 4, 0, frozenset(hold_out(train, 0.25, 0)[1])).samples_before(4)
    assert records["imagenet-linear"]["cost"]["backbone_forwards"] == shown + held_out + val
    assert records["imagenet-knn"]["cost"]["backbone_forwards"] == train  # val is there already
    assert _records(tmp_path / "other")["imagenet-knn"]["cost"]["backbone_forwards"] == 0


def test_stored_linear_probes_share_the_extraction_of_knn(
    run: Callable, tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("imagenet-knn", checkpoint=checkpoint) == 0
    assert run("imagenet-linear", *_QUICK, "train.source=stored", checkpoint=checkpoint) == 0
    record = _records(tmp_path / "r")["imagenet-linear"]
    assert record["cost"]["backbone_forwards"] == 0
    candidates = record["selection"]["candidates"]
    assert len(candidates) == 2 * 2  # two blocks have no four, so 1 block x 2 inputs x 2 learning rates
    assert {candidate["blocks"] for candidate in candidates} == {1}
    assert "no heads on 4 blocks, for the backbone has 2" in capsys.readouterr().out


def test_knn_is_the_vote_written_out(run: Callable, mini_data: Path, tmp_path: Path, checkpoint: Path) -> None:
    assert run("imagenet-knn", "knn.k=[3]", checkpoint=checkpoint) == 0
    train, labels = _cls_tokens(checkpoint, mini_data, "imagenet-knn", "train")
    val, _ = _cls_tokens(checkpoint, mini_data, "imagenet-knn", "val")
    distances, near = NearestNeighbors(n_neighbors=3, metric="cosine", algorithm="brute").fit(train).kneighbors(val)
    votes = np.zeros((len(val), labels.max() + 1))
    for image in range(len(val)):
        for distance, row in zip(distances[image], near[image], strict=True):
            votes[image, labels[row]] += np.exp((1 - distance) / 0.07)
    record = _records(tmp_path / "r")["imagenet-knn"]
    rows = pd.read_parquet(tmp_path / "r" / "runs" / record["per_image"])
    assert rows["prediction"].tolist() == votes.argmax(1).tolist()
    assert record["selection"] is None


def test_a_low_temperature_lets_the_nearest_neighbour_decide(run: Callable, tmp_path: Path) -> None:
    predictions = {}
    for words in (("knn.k=[1]",), ("knn.k=[10]", "knn.temperature=1e-4"), ("knn.k=[10]", "knn.temperature=1e4")):
        assert run("imagenet-knn", *words, results=words[-1]) == 0
        record = _records(tmp_path / words[-1])["imagenet-knn"]
        predictions[words[-1]] = pd.read_parquet(tmp_path / words[-1] / "runs" / record["per_image"])["prediction"]
    nearest, sharp, even = predictions.values()
    assert sharp.equals(nearest)
    assert not even.equals(nearest)


def test_logistic_regression_is_scikit_learns(run: Callable, mini_data: Path, tmp_path: Path, checkpoint: Path) -> None:
    assert run("imagenet-logreg", "regression.c_exponents=[-1,-1]", "regression.c_count=1", checkpoint=checkpoint) == 0
    train, labels = _cls_tokens(checkpoint, mini_data, "imagenet-logreg", "train")
    val, _ = _cls_tokens(checkpoint, mini_data, "imagenet-logreg", "val")
    fitted = LogisticRegression(C=0.1, max_iter=1000, tol=1e-12).fit(train, labels)
    rows = pd.read_parquet(tmp_path / "r" / "runs" / _records(tmp_path / "r")["imagenet-logreg"]["per_image"])
    assert rows["prediction"].tolist() == fitted.predict(val).tolist()


def test_logistic_regression_on_fewer_images_than_classes_knows_the_classes_it_saw(
    run: Callable, mini_data: Path, tmp_path: Path
) -> None:
    words = ("--limit", "3", "regression.c_exponents=[-1,-1]", "regression.c_count=1")
    assert run("imagenet-logreg", *words) == 0
    rows = pd.read_parquet(tmp_path / "r" / "runs" / _records(tmp_path / "r")["imagenet-logreg"]["per_image"])
    assert set(rows["prediction"]) <= {0, 1, 2}
    assert run("imagenet-logreg", "--limit", "4", results="s") == 0  # one of four is held out, and so is its class
    record = _records(tmp_path / "s")["imagenet-logreg"]
    rows = pd.read_parquet(tmp_path / "s" / "runs" / record["per_image"])
    assert rows["hit5"].all()  # all four classes are fitted in the end
    assert record["selection"]["chosen"]["top1_held_out"] == 0  # its class was not among those that were told apart


def test_logistic_regression_on_one_class_is_an_error(run: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("imagenet-logreg", "--limit", "2") == 1
    error = capsys.readouterr().err
    assert "are of one class" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("source", ["online", "stored"])
def test_linear_probes_are_sgd_with_a_cosine_written_out(
    run: Callable,
    mini_data: Path,
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    blocks: int,
) -> None:
    made = []
    monkeypatch.setattr(
        linear, "LinearProbes", lambda *given, **named: made.append(LinearProbes(*given, **named)) or made[-1]
    )
    words = [f"train.source={source}", "train.iterations=5", "train.batch_size=8", "optimizer.momentum=0.5"]
    words += ["probes.lr=[0.1,0.2]", "probes.lr_batch=2", f"probes.blocks=[{blocks}]", 'probes.inputs=["cls+mean"]']
    assert run("imagenet-linear", *words, "--seed", "3", checkpoint=checkpoint) == 0
    settings, backbone = load_protocol("imagenet-linear", "mini", words).settings, load_backbone(str(checkpoint))
    train = ClassificationSplit(DATASETS["imagenet"], mini_data, "train")
    order = SampleOrder(len(train), 8, 3)
    sample = {
        "online": train_sample(train, settings.train, backbone.spec.preprocessing),
        "stored": view_sample(train, settings.view, backbone.spec.preprocessing),
    }[source]
    head = torch.nn.Linear((blocks + 1) * backbone.spec.embed_dim, len(train.classes))
    with torch.no_grad():
        head.weight.normal_(std=0.01, generator=torch.Generator().manual_seed(3))
        head.bias.zero_()
    sgd = torch.optim.SGD(head.parameters(), lr=0.2 * 8 / 2, momentum=0.5)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, 5)
    for step in range(5):
        rows, labels = [], []
        for slot in range(8):
            index = order.index(Place(step, slot))
            with numpy_seeded(3, step, slot):
                seen = sample(index)
            with torch.no_grad():
                first, last = backbone.tokens(seen.image[None], layers=(0, 1), norm=True)
            row = torch.cat([*(layer.cls for layer in (first, last)[2 - blocks :]), last.patches.mean(1)], 1)
            rows.append(row.half().float() if source == "stored" else row)
            labels.append(seen.label)
        sgd.zero_grad()
        torch.nn.functional.cross_entropy(head(torch.cat(rows)), torch.tensor(labels)).backward()
        sgd.step()
        cosine.step()
    [group] = made[0]._groups
    torch.testing.assert_close(group.weight[len(train.classes) :], head.weight.detach(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(group.bias[len(train.classes) :], head.bias.detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("source", ["online", "stored"])
def test_a_sweep_scores_each_head_as_it_is_scored_alone(
    run: Callable, tmp_path: Path, checkpoint: Path, source: str
) -> None:
    words = [f"train.source={source}", "train.iterations=6", "train.batch_size=8", "probes.blocks=[1]"]
    words += ['probes.inputs=["cls"]', "probes.weight_decay=[0.0]"]
    assert run("imagenet-linear", *words, "probes.lr=[0.1,1.0]", checkpoint=checkpoint) == 0
    for candidate in _records(tmp_path / "r")["imagenet-linear"]["selection"]["candidates"]:
        folder = f"alone{candidate['lr']}"
        assert (
            run("imagenet-linear", *words, f"probes.lr=[{candidate['lr']}]", checkpoint=checkpoint, results=folder) == 0
        )
        alone = _records(tmp_path / folder)["imagenet-linear"]
        assert candidate["top1_val"] == alone["primary"]["value"]


def test_heads_that_choose_never_see_a_held_out_image(
    run: Callable, monkeypatch: pytest.MonkeyPatch, mini_data: Path
) -> None:
    """Every image has its own number for a label until the heads have been watched."""
    train = ClassificationSplit(DATASETS["imagenet"], mini_data, "train")
    held_out = set(hold_out(len(train), 0.25, 0)[1])
    shown: dict[bool, set[int]] = {True: set(), False: set()}
    learn = linear.LinearLearner.learn

    def numbered(*given: Any) -> Callable[[int], Any]:
        load = train_sample(*given)
        return lambda index: replace(load(index), label=index)

    def watched(learner: Any, example: Any, step: int) -> Any:
        shown[learner.chooses].update(example.target.tolist())
        return learn(learner, replace(example, target=torch.tensor(train.labels)[example.target]), step)

    monkeypatch.setattr(linear, "train_sample", numbered)
    monkeypatch.setattr(linear.LinearLearner, "learn", watched)
    assert run("imagenet-linear", "train.iterations=12", *_QUICK[1:]) == 0
    assert not shown[True] & held_out
    assert shown[False] & held_out


@pytest.mark.parametrize("module", [knn, linear, logreg])
def test_what_is_chosen_is_chosen_on_held_out_images(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    given = []
    monkeypatch.setattr(module, "best", lambda scores, **_: given.append(list(scores)) or 1)
    benchmark = f"imagenet-{module.__name__.rpartition('.')[2]}"
    assert run(benchmark, *(_QUICK if module is linear else ())) == 0
    selection = _records(tmp_path / "r")[benchmark]["selection"]
    assert given == [[candidate["top1_held_out"] for candidate in selection["candidates"]]]
    assert selection["chosen"] == selection["candidates"][1]


def test_knn_chooses_among_fitted_images_and_scores_among_all(
    run: Callable, mini_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    assert run("imagenet-knn", "knn.k=[1,3]", checkpoint=checkpoint) == 0
    train, labels = _cls_tokens(checkpoint, mini_data, "imagenet-knn", "train")
    val, val_labels = _cls_tokens(checkpoint, mini_data, "imagenet-knn", "val")
    fit, held_out = hold_out(len(train), 0.25, 0)

    def top1(rows: list[int], queries: np.ndarray, truth: np.ndarray) -> float:
        nearest = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute").fit(train[rows])
        return 100 * (labels[rows][nearest.kneighbors(queries)[1][:, 0]] == truth).mean()

    [one, _] = _records(tmp_path / "r")["imagenet-knn"]["selection"]["candidates"]
    assert one["top1_held_out"] == pytest.approx(top1(fit, train[held_out], labels[held_out]))
    assert one["top1_val"] == pytest.approx(top1(list(range(len(train))), val, val_labels))


def test_logistic_regression_is_fitted_again_to_all_of_train(
    run: Callable, mini_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    words = ("regression.c_exponents=[-2,-1]", "regression.c_count=2")
    assert run("imagenet-logreg", *words, checkpoint=checkpoint) == 0
    train, labels = _cls_tokens(checkpoint, mini_data, "imagenet-logreg", "train")
    val, val_labels = _cls_tokens(checkpoint, mini_data, "imagenet-logreg", "val")
    fit, held_out = hold_out(len(train), 0.25, 0)
    record = _records(tmp_path / "r")["imagenet-logreg"]
    for candidate in record["selection"]["candidates"]:
        fitted = LogisticRegression(C=candidate["c"], max_iter=1000, tol=1e-12).fit(train[fit], labels[fit])
        assert candidate["top1_held_out"] == pytest.approx(100 * fitted.score(train[held_out], labels[held_out]))
        assert candidate["top1_val"] == pytest.approx(100 * fitted.score(val, val_labels))
    c = record["selection"]["chosen"]["c"]
    fitted = LogisticRegression(C=c, max_iter=1000, tol=1e-12).fit(train, labels)
    rows = pd.read_parquet(tmp_path / "r" / "runs" / record["per_image"])
    assert rows["prediction"].tolist() == fitted.predict(val).tolist()


@pytest.mark.parametrize(
    "change",
    ["view.resize=120", "view.filter=bilinear", "features.norm=false", "features.precision=bfloat16",
     "features.dtype=float32", "backbone.norm_eps=1e-3"],
)  # fmt: skip
def test_features_of_another_view_norm_precision_or_format_are_not_reused(
    run: Callable, tmp_path: Path, checkpoint: Path, change: str
) -> None:
    assert run("imagenet-knn", checkpoint=checkpoint) == 0
    assert run("imagenet-knn", change, checkpoint=checkpoint, results="s") == 0
    cost = [_records(tmp_path / name)["imagenet-knn"]["cost"]["backbone_forwards"] for name in ("r", "s")]
    assert cost[0] == cost[1] > 0


@pytest.mark.parametrize("benchmark", ["imagenet-knn", "imagenet-logreg"])
def test_few_shot_draws_are_averaged(run: Callable, tmp_path: Path, benchmark: str) -> None:
    assert run(benchmark, "data.n_per_class=1", "data.tries=3", "selection.holdout=0.1") == 0
    record = _records(tmp_path / "r")[benchmark]
    metrics, rows = record["metrics"], pd.read_parquet(tmp_path / "r" / "runs" / record["per_image"])
    assert metrics["top1"] == pytest.approx(np.mean(metrics["top1_tries"]))
    assert metrics["top1_std"] == pytest.approx(np.std(metrics["top1_tries"], ddof=1))
    assert (100 * rows.groupby("try")["hit"].mean()).tolist() == pytest.approx(metrics["top1_tries"])


def test_solvers_that_stop_early_are_told_once(
    run: Callable, capsys: pytest.CaptureFixture[str], checkpoint: Path
) -> None:
    assert run("imagenet-logreg", "regression.max_iterations=2", checkpoint=checkpoint) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "stopped at regression.max_iterations" in line]
    assert [line.partition(":")[0] for line in told] == ["imagenet-logreg C", "imagenet-logreg fit"]


def test_more_shots_than_images_is_an_error(run: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("imagenet-knn", "data.n_per_class=99") == 1
    assert "lower data.n_per_class" in capsys.readouterr().err


def _damaged(mini_data: Path, tmp_path: Path, split: str) -> tuple[Path, Path]:
    data = tmp_path / "data"
    shutil.copytree(mini_data / "imagenet", data / "imagenet")
    image = sorted((data / "imagenet" / split).rglob("*.*"))[1]
    image.write_bytes(image.read_bytes()[:200])
    return data, image


@pytest.mark.parametrize("benchmark", ["imagenet-knn", "imagenet-linear"])
def test_an_unreadable_image_ends_the_run_and_is_named(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], benchmark: str
) -> None:
    data, image = _damaged(mini_data, tmp_path, "val")
    words = _QUICK if benchmark == "imagenet-linear" else ()
    assert run(benchmark, *words, data_root=data) == 1
    assert image.name in capsys.readouterr().err


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("benchmark", groups()["imagenet"])
def test_an_unreadable_image_can_be_left_out_and_is_counted(
    run: Callable, mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], benchmark: str, split: str
) -> None:
    data, image = _damaged(mini_data, tmp_path, split)
    words = ("train.iterations=8", "train.batch_size=4", "probes.lr=[0.01]") if benchmark == "imagenet-linear" else ()
    assert run(benchmark, *words, "--on-bad-image", "skip", data_root=data) == 0
    assert image.name in capsys.readouterr().err
    metrics = _records(tmp_path / "r")[benchmark]["metrics"]
    online = benchmark == "imagenet-linear"
    if split == "val":
        assert metrics["images_left_out"]["val"] == 1
        rows = pd.read_parquet(tmp_path / "r" / "runs" / _records(tmp_path / "r")[benchmark]["per_image"])
        assert not rows["image"].str.endswith(image.name).any()
        whole = ClassificationSplit(DATASETS["imagenet"], data, "val")
        assert (
            dict(zip(rows["image"], rows["label"], strict=True)).items()
            <= dict(zip(whole.names, whole.labels, strict=True)).items()
        )
    elif not online:
        assert metrics["images_left_out"] == {"train": 1, "val": 0}


def test_a_diverged_probe_is_not_chosen(run: Callable, tmp_path: Path) -> None:
    assert run("imagenet-linear", "train.iterations=40", "train.batch_size=4", "probes.lr=[1e42,0.1]") == 0
    selection = _records(tmp_path / "r")["imagenet-linear"]["selection"]
    assert selection["chosen"]["lr"] == 0.1
    assert selection["candidates"][0]["top1_val"] is None


def test_training_that_diverged_everywhere_is_an_error(run: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("train.iterations=40", "train.batch_size=4", "probes.lr=[1e42]", 'probes.inputs=["cls"]')
    assert run("imagenet-linear", *words) == 1
    assert "training diverged at lr 1e+42" in capsys.readouterr().err


def test_heads_that_need_more_blocks_than_there_are_is_an_error(
    run: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("imagenet-linear", "probes.blocks=[4]") == 1
    assert "probes.blocks=[4]: the backbone has 1" in capsys.readouterr().err


@pytest.mark.real_data
def test_a_random_transformer_beats_chance_on_photographs(
    run: Callable, real_data: Path, tmp_path: Path, checkpoint: Path
) -> None:
    """Ten classes, 500 images: chance is 10 %, and three standard errors above it are 14 %."""
    assert run("imagenet-knn", "imagenet-logreg", data_root=real_data, checkpoint=checkpoint) == 0
    for record in _records(tmp_path / "r").values():
        assert record["data"]["splits"] == {"train": 1000, "val": 500}
        assert record["primary"]["value"] > 14
