"""Names of classes are those of mmsegmentation's datasets."""

from __future__ import annotations

import pytest

from benchmark import compat
from benchmark.data import DATASETS
from benchmark.data.class_names import CLASS_NAMES, class_name

_MMSEG = {"ade20k": "ADE20KDataset", "voc2012": "PascalVOCDataset", "cityscapes": "CityscapesDataset"}


@pytest.mark.parametrize("name", sorted(CLASS_NAMES))
def test_they_are_the_datasets_own(name: str) -> None:
    compat.install()
    import mmseg.datasets  # noqa: F401
    from mmseg.registry import DATASETS as REGISTRY

    dataset = REGISTRY.get(_MMSEG[name])
    assert CLASS_NAMES[name] == tuple(each.strip() for each in dataset.METAINFO["classes"])
    assert len(CLASS_NAMES[name]) == DATASETS[name].num_classes


def test_a_class_without_a_name_has_its_number() -> None:
    assert class_name("voc2012", 0) == "background"
    assert class_name("voc2012", 99) == "class 99"
    assert class_name("other", 3) == "class 3"
