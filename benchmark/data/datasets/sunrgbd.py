"""SUN RGB-D, the official test split, on which heads trained on NYU are scored.

    sunrgbd/
        SUNRGBD/{kv1,kv2,realsense,xtion}/.../image/*.jpg
        SUNRGBD/{kv1,kv2,realsense,xtion}/.../depth/*.png      16 bits, millimetres rotated left by 3 bits, 0 = none
        SUNRGBD_val_splits.txt                                 "rgb depth" per line, relative to sunrgbd/

The bits are rotated back and depths capped at 8 m as the dataset's own toolbox does (``read3dPoints.m``), and
``zhyever/Monocular-Depth-Estimation-Toolbox`` after it, whose layout this is.
"""

from benchmark.data.dataset import DepthDataset
from benchmark.data.depth_encoding import DepthEncoding
from benchmark.data.recipe import ANY_FOLDER, Recipe
from benchmark.data.sources import DepthList

_SENSOR = "(?:kv1|kv2|realsense|xtion)"

_RECIPE = Recipe(
    routes=(
        (ANY_FOLDER + r"(SUNRGBD_val_splits\.txt)", r"\1"),
        (ANY_FOLDER + rf"({_SENSOR}/.+/image/[^/]+)\.(?i:jpe?g)", r"SUNRGBD/\1.jpg"),
        (ANY_FOLDER + rf"({_SENSOR}/.+/(?:depth|depth_bfx)/[^/]+)\.(?i:png)", r"SUNRGBD/\1.png"),
    ),
    where="""SUN RGB-D, 6.4 GB (https://rgbd.cs.princeton.edu/), and SUNRGBD_val_splits.txt of the
Monocular-Depth-Estimation-Toolbox
  densebench data sunrgbd --from SUNRGBD.zip SUNRGBD_val_splits.txt""",
)

DATASET = DepthDataset(
    name="sunrgbd",
    title="SUN RGB-D",
    position=3,
    averaged=True,
    folder="sunrgbd",
    trained_on="nyu",
    splits={"val": DepthList(lists=("SUNRGBD_val_splits.txt",))},
    counts={"val": 5_050},
    encoding=DepthEncoding(per_metre=1000, rotated_bits=3, cap=8.0),
    depth_range=(0.001, 10.0),
    usual_median=(0.3, 8.0),
    usual_size=(530, 730),
    recipe=_RECIPE,
)
