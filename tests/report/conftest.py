"""Results folders whose records and per-image statistics agree."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.benchmarks import BENCHMARKS
from benchmark.records.gallery import Kind, gallery_path, make_panel, pack
from benchmark.records.ratio_of_sums import Ratios
from benchmark.records.schema import Record
from benchmark.records.store import RecordStore
from benchmark.report.commands import collect_from
from benchmark.report.page.build import build_page

HOSTILE = """<script>alert("x")</script>' onload='y' {{ 7 * 7 }}"""


def segmentation_table(seed: int, *, images: int = 12, classes: int = 4, skill: float = 0.6) -> pd.DataFrame:
    """Random counts; what is no intersection is split between the two other areas."""
    rng = np.random.default_rng(seed)
    rows = []
    for image in range(images):
        for category in range(classes):
            label = int(rng.integers(50, 500))
            intersection = int(label * np.clip(rng.normal(skill, 0.1), 0.05, 0.95))
            rows.append((f"{image:03}.jpg", 0, category, intersection, intersection + int(rng.integers(0, 90)), label))
    names = ["image", "head_seed", "class", "intersection", "prediction", "label"]
    return pd.DataFrame(rows, columns=names).astype({"head_seed": np.int16, "class": np.int16})


def depth_table(seed: int, *, images: int = 12, error: float = 0.4) -> pd.DataFrame:
    """Random squared errors of the protocol's variant and of another."""
    rng = np.random.default_rng(seed)
    frames = []
    for variant in ("protocol", "no_crop"):
        squared = rng.uniform(0.5, 1.5, images) * error**2 * 1000
        names = [f"{image:03}.jpg" for image in range(images)]
        frames.append(
            pd.DataFrame({"image": names, "head_seed": 0, "variant": variant, "pixels": 1000, "squared": squared})
        )
    return pd.concat(frames, ignore_index=True)


def iou_of(table: pd.DataFrame) -> pd.Series:
    """Of each class, by hand, percent."""
    sums = table.groupby("class")[["intersection", "prediction", "label"]].sum()
    return 100 * sums.intersection / (sums.prediction + sums.label - sums.intersection)


def miou_of(table: pd.DataFrame) -> float:
    """By hand, percent."""
    return float(iou_of(table).mean())


def segmentation_metrics(table: pd.DataFrame) -> dict[str, Any]:
    """What a record says of such counts."""
    return {"miou": miou_of(table), "per_class_iou": iou_of(table).tolist()}


def rmse_of(table: pd.DataFrame) -> float:
    """By hand, metres."""
    own = table[table.variant == "protocol"]
    return float(np.sqrt(own.squared / own.pixels).mean())


@pytest.fixture
def counts() -> Callable[..., pd.DataFrame]:
    """Returns a function that makes per-image counts of a segmentation from a seed."""
    return segmentation_table


@pytest.fixture
def errors() -> Callable[..., pd.DataFrame]:
    """Returns a function that makes per-image errors of a depth benchmark from a seed."""
    return depth_table


def record_adder(folder: Path, make_record: Callable[..., Record]) -> Callable[..., Record]:
    """Returns a function that writes a record whose value is that of its statistics into a results folder."""
    store = RecordStore(folder)
    store.ensure_writable()
    number = iter(range(1000))

    def add(*, benchmark: str = "ade20k", statistics: pd.DataFrame | None = None, **changes: Any) -> Record:
        identity = changes.pop("id", f"r{next(number):03}")
        metric = BENCHMARKS[benchmark].metric
        if statistics is None:
            statistics = segmentation_table(0) if metric.name == "miou" else depth_table(0)
        value = miou_of(statistics) if metric.name == "miou" else rmse_of(statistics)
        fields = {
            "id": identity,
            "created": f"2026-01-01T00:00:00.{identity}",
            "benchmark": benchmark,
            "metrics": {metric.name: value},
            "primary": {
                "name": metric.name,
                "value": value,
                "higher_is_better": metric.higher_is_better,
                "ci95": None,
            },
            "per_image": f"{identity}.parquet",
            **changes,
        }
        record = make_record(**fields)
        store.add(record, statistics)
        return record

    return add


@pytest.fixture
def add_record(tmp_path: Path, make_record: Callable[..., Record]) -> Callable[..., Record]:
    """Returns a function that writes a record whose value is that of its statistics into ``tmp_path``."""
    return record_adder(tmp_path, make_record)


def write_gallery(folder: Path, identity: str, *, kind: Kind = "labels", images: int = 2, seed: int = 0) -> None:
    """Lays a gallery of random pictures beside a record; the truth is the same for every seed."""
    truth, guess = np.random.default_rng(7), np.random.default_rng(seed)
    limit, dtype = (4, np.uint8) if kind == "labels" else (2_000, np.uint16)
    panels = [
        make_panel(
            f"{number:03}.jpg",
            truth.integers(0, 256, (30, 40, 3)).astype(np.uint8),
            truth.integers(0, limit, (30, 40)).astype(dtype),
            guess.integers(0, limit, (30, 40)).astype(dtype),
        )
        for number in range(images)
    ]
    gallery_path(folder / "runs", identity).write_bytes(pack(panels, kind))


@pytest.fixture
def make_ratios() -> Callable[..., Ratios]:
    """Returns a function that makes random counts of S repeats, N images and C classes."""

    def make(seed: int, *, repeats: int = 1, images: int = 30, classes: int = 3, skill: float = 0.6) -> Ratios:
        rng = np.random.default_rng(seed)
        union = rng.integers(1, 400, (repeats, images, classes)).astype(float)
        union *= rng.random(union.shape) < 0.7  # not every class is in every image
        numerator = np.floor(union * np.clip(rng.normal(skill, 0.15, union.shape), 0, 1))
        names = tuple(f"{image:03}" for image in range(images))
        return Ratios(names, np.arange(classes), numerator, union, 100.0)

    return make


@pytest.fixture
def add_gallery(tmp_path: Path) -> Callable[..., None]:
    """Returns a function that lays a gallery of random pictures beside a record of ``tmp_path``."""
    return partial(write_gallery, tmp_path)


@pytest.fixture
def metrics() -> Callable[[pd.DataFrame], dict[str, Any]]:
    """Returns a function from counts of a segmentation to what a record says of them."""
    return segmentation_metrics


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, make_record: Callable[..., Record]) -> Path:
    """Two models, one with a hostile name, and the pixel baseline on two benchmarks; a failure and a smoke test."""
    folder = tmp_path_factory.mktemp("finished")
    add = record_adder(folder, make_record)
    for number, (name, checkpoint) in enumerate(
        (("plain", "plain.pth"), (HOSTILE, "special.pth"), ("raw pixels", "pixels"))
    ):
        model = {
            "name": name,
            "checkpoint": checkpoint,
            "checkpoint_sha256": f"{number}" * 64,
            "params": 22_000_000 * number,
            "specialization": "norms" if number == 1 else "none",
        }
        table = segmentation_table(number, skill=0.7 - 0.2 * (number == 2))
        identity = f"seg{number}"
        add(id=identity, model=model, statistics=table, metrics=segmentation_metrics(table))
        write_gallery(folder, identity, seed=number)
        add(id=f"depth{number}", benchmark="nyu", model=model, statistics=depth_table(number, error=0.4 + 0.1 * number))
        write_gallery(folder, f"depth{number}", kind="depth", seed=number)
    add(id="smoke", limit=4)
    add(id="failed", status="error", error="<b>out of memory</b>", primary=None, metrics=None, cost=None)
    build_page(collect_from(folder), folder / "runs")  # intervals are computed once for all tests
    return folder


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of ``finished``."""
    return shutil.copytree(finished, tmp_path / "results")
