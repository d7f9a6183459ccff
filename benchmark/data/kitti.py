"""KITTI, Eigen's split with the depth benchmark's improved ground truth, outdoors.

    kitti/
        input/2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png                     about 375 x 1242
        gt_depth/2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/0000000069.png    16 bits, 1/256 m, 0 = none
        kitti_eigen_train.txt, kitti_eigen_test.txt                                           "rgb depth focal" per line

The layout is that of ``zhyever/Monocular-Depth-Estimation-Toolbox``. Four fifths of the pixels have no measurement.
45 of the 697 test images have no ground truth: their depth is the word ``None`` and they are left out.
"""

from benchmark.data.layout import DepthEncoding, DepthLayout, PairList


def _drive(image: str) -> str:
    """Names the drive of a frame."""
    return next((part for part in image.split("/") if "_drive_" in part), image.rpartition("/")[0])


LAYOUT = DepthLayout(
    name="kitti",
    folder="kitti",
    splits={
        "train": PairList(lists=("kitti_eigen_train.txt",), folders=(("input", "gt_depth"),)),
        "val": PairList(lists=("kitti_eigen_test.txt",), folders=(("input", "gt_depth"),)),
    },
    counts={"train": 23_158, "val": 652},
    encoding=DepthEncoding(per_metre=256),
    depth_range=(0.001, 80.0),
    usual_median=(2.0, 80.0),
    usual_size=(375, 1242),
    scene=_drive,
)
