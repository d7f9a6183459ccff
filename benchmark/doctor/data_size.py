"""How much data one's own benchmarks have, from names and one image: what estimates of cost count on."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from benchmark.benchmarks import Benchmark, benchmarks_on
from benchmark.data.dataset import Dataset
from benchmark.data.folders import readable
from benchmark.errors import DataError
from benchmark.tasks import DataSize


def measured(dataset: Dataset, data_root: Path) -> list[tuple[Benchmark, DataSize]]:
    """Returns the benchmarks that a dataset makes, with the images it holds; reads names and the head of one image.

    Args:
        dataset: The dataset.
        data_root: Folder that holds all datasets.

    Raises:
        DataError: Train or val is missing or empty, or the image cannot be read.
    """
    found = {split.name: split for split in dataset.read_splits(dataset.root(data_root))}
    train, val = (found[name].pairs if name in found else () for name in ("train", "val"))
    if not train or not val:
        raise DataError(f"{dataset.name}: no images of {'val' if train else 'train'}; {dataset.advice}")
    first = val[0].image
    try:
        with readable(), Image.open(first) as picture:
            width, height = picture.size
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{first} cannot be read: no known image format") from error
    return [(benchmark, DataSize(len(train), len(val), (height, width))) for benchmark in benchmarks_on(dataset)]
