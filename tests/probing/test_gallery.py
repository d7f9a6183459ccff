"""What a run leaves to be looked at is what was scored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from benchmark.backbones import load_backbone
from benchmark.cli import main
from benchmark.data.registry import DATASETS
from benchmark.data.segmentation import SegmentationSplit
from benchmark.errors import DataError
from benchmark.features.frozen import FrozenFeatures
from benchmark.load_protocol import load_protocol
from benchmark.probing import dense
from benchmark.probing.gallery import make_gallery
from benchmark.probing.segmentation import SegmentationTask
from benchmark.probing.train import Probe
from benchmark.records.gallery import STEPS_PER_METRE, gallery_path, read_gallery

_QUICK = ("--checkpoint", "pixels", "--protocol", "mini", "train.iterations=4", "train.batch_size=2")


_WHOLE = ("test.resize.short=128", "test.resize.long=160")  # the size of the labels, so nothing is shrunk


def _run(benchmark: str, data: Path, results: Path, *words: str) -> tuple[dict, Path]:
    code = main(["run", benchmark, *_QUICK, *words, "--data-root", str(data), "--results", str(results)])
    [path] = (results / "runs").glob("*.json")
    record = json.loads(path.read_text())
    assert code == (record["status"] == "error")
    return record, results / "runs"


def test_pictures_of_a_segmentation_have_the_counts_of_the_statistics(mini_data: Path, tmp_path: Path) -> None:
    record, runs = _run("voc2012", mini_data, tmp_path, *_WHOLE)
    kind, panels = read_gallery(gallery_path(runs, record["id"]))
    table = pd.read_parquet(runs / record["per_image"]).set_index(["image", "class"])
    assert kind == "labels"
    assert [panel.name for panel in panels] == sorted(table.index.unique("image"))  # all three of val
    for panel in panels:
        counted = panel.target != 255
        rows = table.loc[panel.name]
        for number in range(21):
            said, labelled = (values[counted] == number for values in (panel.prediction, panel.target))
            expected = rows.loc[number, ["intersection", "prediction", "label"]].tolist() if number in rows.index else 0
            assert [(said & labelled).sum(), said.sum(), labelled.sum()] == (expected or [0, 0, 0])


def test_pictures_of_depth_have_the_errors_of_the_statistics(mini_data: Path, tmp_path: Path) -> None:
    record, runs = _run("nyu", mini_data, tmp_path)
    kind, panels = read_gallery(gallery_path(runs, record["id"]))
    table = pd.read_parquet(runs / record["per_image"])
    table = table[table.variant == "protocol"].set_index("image")
    assert kind == "depth"
    assert len(panels) == 3
    for panel in panels:
        counted = panel.target > 0
        wanted, predicted = (values[counted] / STEPS_PER_METRE for values in (panel.target, panel.prediction))
        assert counted.sum() == table.loc[panel.name, "pixels"]
        rmse = np.sqrt(np.mean((wanted - predicted) ** 2))
        assert rmse == pytest.approx(np.sqrt(table.loc[panel.name, "squared"] / counted.sum()), abs=1 / STEPS_PER_METRE)


def test_images_are_those_of_the_dataset(mini_data: Path, tmp_path: Path) -> None:
    record, runs = _run("voc2012", mini_data, tmp_path, *_WHOLE)
    _, panels = read_gallery(gallery_path(runs, record["id"]))
    for panel in panels:
        official = np.asarray(Image.open(mini_data / "voc2012/VOCdevkit/VOC2012" / panel.name).convert("RGB"))
        assert np.abs(panel.image.astype(int) - official).mean() < 6  # JPEG of a JPEG


def test_a_cell_that_fails_leaves_no_gallery(mini_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DataError("broken")

    monkeypatch.setattr(dense, "make_gallery", broken)
    record, runs = _run("voc2012", mini_data, tmp_path)
    assert record["status"] == "error"
    assert not list(runs.glob("*.zip"))


def test_four_images_are_spread_over_a_larger_split(mini_data: Path, tmp_path: Path) -> None:
    settings = load_protocol("voc2012", "mini", ()).settings
    backbone = load_backbone("pixels", device="cpu")
    features = FrozenFeatures(backbone, settings.features, torch.device("cpu"))
    own = SegmentationTask(settings, backbone.spec, 21)
    split = SegmentationSplit(DATASETS["voc2012"], mini_data, "train")
    probe = Probe(1e-3, 0.0, (0, 0), own.make_head(features).eval())
    path = tmp_path / "g.zip"
    path.write_bytes(make_gallery(own, split, probe, features))
    _, panels = read_gallery(path)
    assert [panel.name for panel in panels] == [split.names[at] for at in (0, 1, 3, 4)]  # of six
    assert features.forwards == 0  # the record counts what was measured
