"""mmengine trains on the files that the benchmarks read, in their order and with their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import ROOFS, describe, write_birds, write_roofs

import benchmark.openmmlab  # noqa: F401  (registers)
from benchmark import compat
from benchmark.benchmarks import find_dataset
from benchmark.data.segmentation import SegmentationSplit
from benchmark.errors import DataError, UsageError

compat.install()
from mmseg.registry import DATASETS  # noqa: E402  (the shims come first)
from mmseg.utils import register_all_modules  # noqa: E402

_PIPELINE = [
    {"type": "LoadImageFromFile", "imdecode_backend": "pillow", "color_type": "color_ignore_orientation"},
    {"type": "LoadDecodedLabels"},
]


@pytest.fixture(autouse=True, scope="module")
def scope() -> None:
    """Makes mmsegmentation's registries the default, as training does."""
    register_all_modules(init_default_scope=True)


@pytest.fixture(scope="module")
def roofs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("own")
    write_roofs(root)
    text = ROOFS.replace('["ground", "roof", "tree"]', '{0 = "ground", 2 = "tree"}').replace("[255]", "[1, 255]")
    return describe(root / "roofs.toml", text)


def _built(**fields: Any) -> Any:
    return DATASETS.build({"type": "ListedSegmentation", "pipeline": _PIPELINE, **fields})


@pytest.mark.parametrize("name", ["ade20k", "voc2012", "cityscapes", "roofs"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_files_and_samples_are_those_of_the_benchmarks(name: str, split: str, mini_data: Path, roofs: Path) -> None:
    word, root = (str(roofs), roofs.parent) if name == "roofs" else (name, mini_data)
    theirs, ours = (
        _built(dataset=word, split=split, data_root=str(root)),
        SegmentationSplit(find_dataset(word), root, split),
    )
    listed = [theirs.get_data_info(index) for index in range(len(theirs))]
    assert [path for info in listed for path in (info["img_path"], info["seg_map_path"])] == [
        str(p) for p in ours.files
    ]
    assert theirs.metainfo["classes"] == find_dataset(word).classes
    for index in range(len(ours)):
        loaded, expected = theirs[index], ours.load(index)
        np.testing.assert_array_equal(loaded["img"], expected["img"])
        np.testing.assert_array_equal(loaded["gt_seg_map"], expected["gt_seg_map"])
        assert loaded["seg_fields"] == ["gt_seg_map"]


def test_a_stock_augmentation_takes_its_samples(roofs: Path) -> None:
    augment = [
        {"type": "RandomCrop", "crop_size": (32, 32)},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PackSegInputs"},
    ]
    dataset = _built(dataset=str(roofs), split="train", data_root=str(roofs.parent), pipeline=_PIPELINE + augment)
    sample = dataset[0]
    assert tuple(sample["inputs"].shape) == (3, 32, 32)
    assert set(np.unique(sample["data_samples"].gt_sem_seg.data.numpy())) <= {0, 1, 255}


def test_the_stock_reader_of_labels_is_refused(roofs: Path) -> None:
    with pytest.raises(UsageError, match=r"LoadAnnotations would take the stored values .* put LoadDecodedLabels"):
        _built(dataset=str(roofs), split="train", data_root=str(roofs.parent), pipeline=[{"type": "LoadAnnotations"}])


def test_what_is_no_segmentation_dataset_or_split_is_refused(roofs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no label maps"):
        _built(dataset=str(write_birds(tmp_path)), split="train", data_root=str(tmp_path))
    with pytest.raises(DataError, match=r"roofs has no split 'vale'.*did you mean 'val'"):
        _built(dataset=str(roofs), split="vale", data_root=str(roofs.parent))
