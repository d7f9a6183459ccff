"""Which variant of a dataset somebody has."""

from __future__ import annotations

import pytest

from benchmark.data.registry import DATASETS
from benchmark.doctor.variants import name_variant

VOC = {"train": 1_464, "val": 1_449}
OFFICIAL = {"voc2012": VOC, "ade20k": {"train": 20_210, "val": 2_000}, "nyu": {"train": 24_231, "val": 654}}


def _name(dataset: str, *, rendered: bool = False, **found: int) -> tuple[str, bool]:
    counts = {name: (count, OFFICIAL[dataset].get(name, 10_582)) for name, count in found.items()}
    variant = name_variant(DATASETS[dataset], counts, optional=["trainaug"], rendered=rendered)
    return variant.text, variant.comparable


@pytest.mark.parametrize(
    ("dataset", "found", "text", "comparable"),
    [
        ("voc2012", VOC, "VOC2012 train+val, no SBD", True),
        ("voc2012", {**VOC, "trainaug": 10_582}, "VOC2012 train+val with SBD", True),
        ("voc2012", {**VOC, "trainaug": 5_000}, "a part of SBD: trainaug has 5,000 of 10,582 images", True),
        ("voc2012", {"train": 10_582, "val": 1_449}, "train.txt is the list of SBD's trainaug", False),
        ("voc2012", {"train": 2_913, "val": 1_449}, "it holds the val images", False),
        ("voc2012", {"train": 200, "val": 1_449}, "a subset: 200 of 1,464 train images", False),
        ("voc2012", {"train": 200, "val": 200}, "200 of 1,464 train and 200 of 1,449 val images", False),
        (
            "ade20k",
            {"train": 20_210, "val": 2_000},
            "ADE20K scene parsing (SceneParse150), the official release: 20,210 train and 2,000 val",
            True,
        ),
        ("ade20k", {"train": 25_574, "val": 2_000}, "the full ADE20K release", False),
        ("ade20k", {"train": 20_210, "val": 2_001}, "more than the official release: 2,001 val images", False),
        ("nyu", {"train": 795, "val": 654}, "the 795 labelled images, not BTS's 24,231", False),
    ],
)
def test_variants_are_named(dataset: str, found: dict[str, int], text: str, comparable: bool) -> None:
    assert text in _name(dataset, **found)[0]
    assert _name(dataset, **found)[1] is comparable


def test_rendered_data_is_never_comparable() -> None:
    text, comparable = _name("voc2012", rendered=True, **VOC)
    assert text.startswith("rendered by DenseBench")
    assert not comparable
