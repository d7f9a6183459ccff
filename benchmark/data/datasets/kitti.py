"""KITTI, Eigen's split with the depth benchmark's improved ground truth, outdoors.

    kitti/
        input/2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png                     about 375 x 1242
        gt_depth/2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/0000000069.png    16 bits, 1/256 m, 0 = none
        kitti_eigen_train.txt, kitti_eigen_test.txt                                           "rgb depth focal" per line

The layout is that of ``zhyever/Monocular-Depth-Estimation-Toolbox``. Four fifths of the pixels have no measurement.
45 of the 697 test images have no ground truth: their depth is the word ``None`` and they are left out.
"""

from benchmark.data.dataset import DepthDataset, KnownVariant
from benchmark.data.depth_encoding import DepthEncoding
from benchmark.data.recipe import ANY_FOLDER, Recipe
from benchmark.data.sources import DepthList


def _drive(image: str) -> str:
    """Names the drive of a frame."""
    return next((part for part in image.split("/") if "_drive_" in part), image.rpartition("/")[0])


_DRIVE = r"\d{4}_\d\d_\d\d_drive_\d{4}_sync"

_RECIPE = Recipe(
    routes=(
        (ANY_FOLDER + r"(kitti_eigen_(?:train|test)\.txt)", r"\1"),
        (ANY_FOLDER + rf"({_DRIVE}/proj_depth/groundtruth/image_0[23]/\d{{10}})\.(?i:png)", r"gt_depth/\1.png"),
        (ANY_FOLDER + rf"(\d{{4}}_\d\d_\d\d/{_DRIVE}/image_0[23]/data/\d{{10}})\.(?i:png)", r"input/\1.png"),
    ),
    where="""KITTI raw data (about 175 GB) and annotated depth maps (14 GB), after registration at
https://www.cvlibs.net/datasets/kitti/, and the lists of the Monocular-Depth-Estimation-Toolbox
  densebench data kitti --from 2011_*_sync.zip data_depth_annotated.zip kitti_eigen_train.txt kitti_eigen_test.txt""",
)

DATASET = DepthDataset(
    name="kitti",
    title="KITTI, Eigen split",
    position=2,
    averaged=True,
    folder="kitti",
    splits={
        "train": DepthList(lists=("kitti_eigen_train.txt",), folders=(("input", "gt_depth"),)),
        "val": DepthList(lists=("kitti_eigen_test.txt",), folders=(("input", "gt_depth"),)),
    },
    counts={"train": 23_158, "val": 652},
    encoding=DepthEncoding(per_metre=256),
    depth_range=(0.001, 80.0),
    usual_median=(2.0, 80.0),
    usual_size=(375, 1242),
    scene=_drive,
    recipe=_RECIPE,
    known_variants=(
        KnownVariant("val", 697, "val holds all 697 Eigen images; published results use the 652 with improved depth"),
    ),
)
