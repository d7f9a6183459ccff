"""Datasets: files to samples. One file per dataset says where its official layout keeps what.

``DATASETS`` is all a listing needs and imports no torch; ``segmentation.py``, ``depth.py`` and
``classification.py`` read the files.
"""

from benchmark.data import ade20k, cityscapes, imagenet, kitti, nyu, sunrgbd, voc2012
from benchmark.data.layout import ClassificationLayout, DepthLayout, Layout, SegmentationLayout

DATASETS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        *(ade20k.LAYOUT, voc2012.LAYOUT, cityscapes.LAYOUT),
        *(nyu.LAYOUT, kitti.LAYOUT, sunrgbd.LAYOUT),
        imagenet.LAYOUT,
    )
}

__all__ = ["DATASETS", "ClassificationLayout", "DepthLayout", "Layout", "SegmentationLayout"]
