"""The cached dense protocol: fixed views, encoded once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.cli import main
from benchmark.features.frozen import FrozenFeatures
from benchmark.features.store import FeatureStore
from benchmark.load_protocol import load_protocol
from benchmark.probing.cached_views import stored_views
from benchmark.probing.depth import DepthTask
from benchmark.probing.job import Job
from benchmark.probing.resume import ResumeFile
from benchmark.probing.segmentation import SegmentationTask
from benchmark.probing.splits import open_splits
from benchmark.protocols.depth import DepthProtocol
from benchmark.samples.loader import numpy_seeded
from benchmark.samples.sample_order import Place, SampleOrder

_STORED = 'train.stored={"views":3,"dtype":"float32"}'
_QUICK = ("--protocol", "mini", "train.iterations=3", "train.batch_size=2", "probes.lr=[1e-3]")


@pytest.fixture
def run(mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))

    def _run(name: str, *words: str, stored: str = _STORED, results: str = "results") -> dict[str, Any]:
        places = ("--data-root", str(mini_data), "--results", str(tmp_path / results), "--checkpoint", "pixels")
        assert main(["run", name, *_QUICK, stored, *words, *places]) == 0
        [path] = (tmp_path / results / "runs").glob("*.json")
        return json.loads(path.read_text())

    return _run


@pytest.mark.parametrize("benchmark", ["voc2012", "nyu"])
def test_examples_are_the_views_encoded_one_by_one(mini_data: Path, tmp_path: Path, benchmark: str) -> None:
    protocol = load_protocol(benchmark, "mini", ["train.batch_size=2", _STORED])
    settings, backbone, device = protocol.settings, load_backbone("pixels"), torch.device("cpu")
    data = open_splits(protocol, mini_data, None)
    if isinstance(settings, DepthProtocol):
        task = DepthTask(settings, backbone.spec)
        features = FrozenFeatures(backbone, settings.features.resolved(backbone.spec.depth), device)
    else:
        task = SegmentationTask(settings, backbone.spec, data.val.dataset.num_classes)
        features = FrozenFeatures(backbone, settings.features, device)
    job = Job(data, 5, ResumeFile(tmp_path / "s.pt", every_s=9), FeatureStore(tmp_path / "features"), "test", "pixels")
    load, fit = task.train_sample(data.train), [4, 1, 2]
    view = lambda index: task.collate([load(index)])  # noqa: E731
    steps = range(1, 4)
    for step, example in zip(steps, stored_views(view, settings.train, fit, features, job)(steps), strict=True):
        for slot in range(2):
            place, number = divmod(SampleOrder(9, 2, 5).index(Place(step, slot)), 3)
            with numpy_seeded(number, fit[place]):
                alone = view(fit[place])
            for ours, expected in zip(example.head_inputs, features.head_inputs(alone.images), strict=True):
                torch.testing.assert_close(ours[slot], expected[0])
            assert torch.equal(example.target[slot], alone.target[0])
    assert features.forwards == 6 * 3 + 6  # every view of every image once, and the comparison


def test_heads_train_from_the_store_without_another_pass(run: Callable) -> None:
    first = run("voc2012")
    second = run("voc2012", "optimizer.clip_norm=1.0", results="second")
    windows = second["cost"]["backbone_forwards"]
    assert first["cost"]["backbone_forwards"] == 6 * 3 + windows
    assert second["protocol"]["fingerprint"] != first["protocol"]["fingerprint"]


def test_targets_are_stored_once_for_all_backbones(run: Callable, tmp_path: Path) -> None:
    run("voc2012")
    folders = len(list((tmp_path / "cache" / "features").glob("*/")))
    run("voc2012", "backbone.mean=[0.5,0.5,0.5]", results="second")  # another normalisation, so other features
    assert len(list((tmp_path / "cache" / "features").glob("*/"))) == folders + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"stored": 'train.stored={"views":2,"dtype":"float32"}'},
        {"stored": 'train.stored={"views":3,"dtype":"float16"}'},
        *({"words": [word]} for word in ("train.flip=0.1", "train.crop=98", "features.precision=bfloat16")),
        {"words": ["features.norm=false"]},
        {"words": ["data.train=val", "data.val=train"]},
    ],
)
def test_other_views_formats_or_images_are_encoded_anew(run: Callable, changes: dict[str, Any]) -> None:
    run("voc2012")
    changed = run("voc2012", *changes.get("words", ()), stored=changes.get("stored", _STORED), results="second")
    again = run("voc2012", "--rerun", *changes.get("words", ()), stored=changes.get("stored", _STORED), results="third")
    assert changed["cost"]["backbone_forwards"] > again["cost"]["backbone_forwards"]


def test_cached_and_online_are_different_families() -> None:
    online, cached = (load_protocol("ade20k", name) for name in ("dinov2-lin", "cached"))
    assert online.fingerprint != cached.fingerprint
    assert (online.settings.family, cached.settings.family) == ("dinov2", "cached")
