"""Training learns: losses fall, and a trained backbone's features tell more than a random one's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.backbones import VisionTransformer, load_backbone
from benchmark.data.classification import ClassificationSplit
from benchmark.data.datasets.imagenet import DATASET
from benchmark.pretraining.options import PretrainOptions
from benchmark.pretraining.recipe import load_recipe
from benchmark.pretraining.run import build_variant, pretrain
from benchmark.protocols.classification import ImageView
from benchmark.samples.classification import view_sample
from benchmark.synthetic.datasets import write_dataset
from heads import KNNClassifier

_TURNS = ("0", "90", "180", "270")


@pytest.fixture(scope="module")
def turned_rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered rooms in class folders: each turned four ways, the class is the turn (RotNet, arXiv 1803.07728).

    Seconds of training are enough to learn that, and not enough for the eight classes of objects.
    """
    root = tmp_path_factory.mktemp("rooms")
    rooms = write_dataset("ade20k", root, train=384, val=96, size=(64, 80)) / "images"
    for split, folder in (("train", "training"), ("val", "validation")):
        for path in sorted((rooms / folder).glob("*.jpg")):
            with Image.open(path) as file:
                square = np.asarray(file.convert("RGB"))[:, 8:72]
            for turn, name in enumerate(_TURNS):
                target = root / "imagenet" / split / name / f"{path.stem}.JPEG"
                target.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.ascontiguousarray(np.rot90(square, turn))).save(target, "JPEG", quality=95)
    return root


def _accuracy(vit: VisionTransformer, root: Path) -> float:
    """Returns the share of 384 val images whose five nearest of 80 training images tell the class."""
    view, found = ImageView(resize=56, crop=56, filter="bicubic"), []
    for name, limit in (("train", 80), ("val", None)):
        split = ClassificationSplit(DATASET, root, name, limit=limit)
        sample = view_sample(split, view, vit.spec.preprocessing)
        images = torch.stack([sample(index).image for index in range(len(split))])
        with torch.no_grad():
            found.append((vit(images), torch.from_numpy(split.labels)))
    (features, labels), (queries, truth) = found
    predicted = KNNClassifier(k=(5,)).fit(features, labels).predict(queries)[5]
    return float((predicted == truth).float().mean())


def test_supervised_features_beat_random_ones(turned_rooms: Path, tmp_path: Path) -> None:
    options = PretrainOptions(
        data_root=turned_rooms,
        recipe="mini-supervised",
        overrides=("train.steps=250", "model.patch_size=14", "augment.size=56", "augment.flip=0"),
        device="cpu",
    )
    out = tmp_path / "vit.pth"
    pretrain(out, options)
    losses = [json.loads(line)["loss"] for line in out.with_suffix(".jsonl").read_text().splitlines()[1:]]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    random = build_variant(load_recipe(options.recipe, options.overrides), options).eval()
    # 0.58 against 0.37; a standard error is 0.025.
    assert _accuracy(load_backbone(str(out)), turned_rooms) > _accuracy(random, turned_rooms) + 0.12


def test_the_student_learns_what_a_resting_teacher_says(quick: Callable[..., PretrainOptions], tmp_path: Path) -> None:
    out = tmp_path / "vit.pth"
    # Targets that move would move the loss too.
    rests = ("teacher.momentum=[1.0,1.0]", "teacher.temperature=[0.07,0.07]", "teacher.centering=sinkhorn")
    pretrain(out, quick("mini-dino", *rests, "train.steps=80", "train.batch_size=8", "optimizer.lr=3e-3"))
    losses = [json.loads(line)["loss"] for line in out.with_suffix(".jsonl").read_text().splitlines()[1:]]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
