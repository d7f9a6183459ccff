"""Datasets: files to samples. One file per dataset says where its official layout keeps what.

``DATASETS`` is all a listing needs and imports no torch; ``segmentation.py`` reads the files.
"""

from benchmark.data import ade20k, cityscapes, voc2012
from benchmark.data.layout import SegmentationLayout

DATASETS: dict[str, SegmentationLayout] = {
    layout.name: layout for layout in (ade20k.LAYOUT, voc2012.LAYOUT, cityscapes.LAYOUT)
}

__all__ = ["DATASETS", "SegmentationLayout"]
