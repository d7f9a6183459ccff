"""SUN RGB-D, the official test split, on which heads trained on NYU are scored.

    sunrgbd/
        SUNRGBD/{kv1,kv2,realsense,xtion}/.../image/*.jpg
        SUNRGBD/{kv1,kv2,realsense,xtion}/.../depth/*.png      16 bits, millimetres rotated left by 3 bits, 0 = none
        SUNRGBD_val_splits.txt                                 "rgb depth" per line, relative to sunrgbd/

The bits are rotated back and depths capped at 8 m as the dataset's own toolbox does (``read3dPoints.m``), and
``zhyever/Monocular-Depth-Estimation-Toolbox`` after it, whose layout this is.
"""

from benchmark.data.layout import DepthEncoding, DepthLayout, PairList

LAYOUT = DepthLayout(
    name="sunrgbd",
    folder="sunrgbd",
    splits={"val": PairList(lists=("SUNRGBD_val_splits.txt",))},
    counts={"val": 5_050},
    encoding=DepthEncoding(per_metre=1000, rotated_bits=3, cap=8.0),
    depth_range=(0.001, 10.0),
    usual_median=(0.3, 8.0),
    usual_size=(530, 730),
)
