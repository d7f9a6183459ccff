"""What is read from a record's statistics is what its score was made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RecordError
from benchmark.records.per_image import file_mark
from benchmark.report.statistics.estimates import Estimates


def test_counts_give_the_records_miou(add_record: Callable, counts: Callable, tmp_path: Path) -> None:
    record = add_record(statistics=counts(1))
    ratios = Estimates(tmp_path).ratios([record])
    assert ratios.score() == pytest.approx(record.primary.value, rel=1e-12)
    assert (ratios.repeats, len(ratios.images), ratios.classes.tolist()) == (1, 12, [0, 1, 2, 3])


def test_errors_give_the_records_rmse_of_the_protocols_variant(
    add_record: Callable, errors: Callable, tmp_path: Path
) -> None:
    table = errors(1)
    table.loc[table.image == "003.jpg", "squared"] *= np.where(
        table.variant[table.image == "003.jpg"] == "protocol", 1, 9
    )
    record = add_record(benchmark="nyu", statistics=table)
    assert Estimates(tmp_path).ratios([record]).score() == pytest.approx(record.primary.value, rel=1e-12)


def test_an_image_without_depth_is_left_out_of_the_mean(add_record: Callable, errors: Callable, tmp_path: Path) -> None:
    table = errors(2)
    empty = table.image == "000.jpg"
    table.loc[empty, ["pixels", "squared"]] = 0
    record = add_record(benchmark="nyu", statistics=table)
    ratios = Estimates(tmp_path).ratios([record])
    own = table[(table.variant == "protocol") & ~empty]
    assert ratios.score() == pytest.approx(np.sqrt(own.squared / own.pixels).mean())
    assert np.isnan(ratios.per_image()).tolist() == [True] + [False] * 11


def _classification(tries: int) -> pd.DataFrame:
    rng = np.random.default_rng(tries)
    frames = []
    for number in range(tries):
        prediction = rng.integers(0, 3, 20)
        names = [f"{image:02}.JPEG" for image in range(20)]
        frame = pd.DataFrame({"image": names, "label": np.arange(20) % 3, "prediction": prediction})
        frames.append(frame.assign(hit=frame.label == frame.prediction, **{"try": np.int16(number)}))
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("tries", [1, 3])
def test_hits_give_the_accuracy_averaged_over_tries(
    add_record: Callable, counts: Callable, tmp_path: Path, tries: int
) -> None:
    table = _classification(tries)
    record = add_record(statistics=counts(0)).model_copy(update={"benchmark": "imagenet-knn"})
    (table if tries > 1 else table.drop(columns="try")).to_parquet(tmp_path / "runs" / record.per_image)
    ratios = Estimates(tmp_path).ratios([record])
    assert ratios.score() == pytest.approx(100 * table.hit.mean())
    assert ratios.repeats == tries
    assert ratios.labels.tolist() == (np.arange(20) % 3).tolist()


def test_a_class_twice_in_an_image_is_an_error(add_record: Callable, counts: Callable, tmp_path: Path) -> None:
    table = counts(3)
    record = add_record(statistics=table)
    pd.concat([table, table.head(1)]).to_parquet(tmp_path / "runs" / record.per_image)
    with pytest.raises(RecordError, match="a class twice"):
        Estimates(tmp_path).ratios([record])


def test_an_image_that_a_seed_lacks_is_an_error(add_record: Callable, errors: Callable, tmp_path: Path) -> None:
    table = errors(4)
    record = add_record(benchmark="nyu", statistics=table)
    pd.concat([table, table.head(5).assign(head_seed=1)]).to_parquet(tmp_path / "runs" / record.per_image)
    with pytest.raises(RecordError, match="each image needs one"):
        Estimates(tmp_path).ratios([record])


def test_a_missing_column_is_named(add_record: Callable, counts: Callable, tmp_path: Path) -> None:
    record = add_record(statistics=counts(5))
    counts(5).drop(columns="label").to_parquet(tmp_path / "runs" / record.per_image)
    with pytest.raises(RecordError, match="no column label"):
        Estimates(tmp_path).ratios([record])


def test_a_replaced_file_has_another_mark(tmp_path: Path, counts: Callable) -> None:
    path = tmp_path / "a.parquet"
    counts(6).to_parquet(path)
    first = file_mark(path)
    counts(6).to_parquet(path)
    assert file_mark(path) == first
    counts(7).to_parquet(path)
    assert file_mark(path) != first
    assert file_mark(tmp_path / "none") is None
