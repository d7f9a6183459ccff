"""How the official archives of each dataset become its official layout.

A route is a pattern for the path of a file inside an archive or folder, and where it goes below the dataset's folder.
The folders an archive wraps its files in do not matter, so that official archives, repacked ones and unpacked folders
are all read by the same routes. Suffixes are read in any case, and become those of the official layout where lists name
files by them. What matches no route is not needed and left out.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.folders import is_left_over_path

_ANY = r"(?:.*?/)?"
_VOC = "VOCdevkit/VOC2012"
_VOC_ID = r"\d{4}_\d{6}"
_DRIVE = r"\d{4}_\d\d_\d\d_drive_\d{4}_sync"
_SENSOR = "(?:kv1|kv2|realsense|xtion)"


@dataclass(frozen=True)
class Recipe:
    """How a dataset is made."""

    routes: tuple[tuple[str, str | None], ...]
    """Pattern of a whole path, and its place; the first that matches counts, and None leaves the file out."""

    where: str
    """Where a person gets the archives, and what to type then."""

    finish: Callable[[Path], Iterable[str | None]] = lambda _folder: ()
    """Makes what the archives lack, given the dataset's folder; yields lines that say what was made."""

    inner: str | None = None
    """Pattern of archives inside the archive, and
    `inner_prefix`: what their members' paths are given in front."""

    inner_prefix: str = ""

    def place(self, path: str) -> str | None:
        """Returns where a file goes, relative to the dataset's folder, or None."""
        if is_left_over_path(path):
            return None
        for pattern, target in self.routes:
            match = re.fullmatch(pattern, path)
            if match:
                return match.expand(target) if target is not None else None
        return None

    def inner_folder(self, path: str) -> str | None:
        """Returns the folder the members of an inner archive stand for, or None for any other file."""
        match = re.fullmatch(self.inner, path) if self.inner else None
        return match.expand(self.inner_prefix) if match else None


def _finish_voc2012(folder: Path) -> Iterable[str | None]:
    from benchmark.data.sbd import complete_lists, merge_sbd  # noqa: PLC0415

    sbd = folder / ".sbd"
    if sbd.is_dir():
        yield merge_sbd(folder / _VOC, sbd)
        shutil.rmtree(sbd)
    yield complete_lists(folder / _VOC)


def _finish_cityscapes(folder: Path) -> Iterable[str | None]:
    from benchmark.data.cityscapes_labels import make_train_ids  # noqa: PLC0415

    yield make_train_ids(folder)


def _finish_imagenet(folder: Path) -> Iterable[str | None]:
    from benchmark.data.imagenet_val import sort_val  # noqa: PLC0415

    yield sort_val(folder / ".flat", folder / ".devkit", folder / "val")
    for used in (".flat", ".devkit"):
        shutil.rmtree(folder / used, ignore_errors=True)


RECIPES: dict[str, Recipe] = {
    "ade20k": Recipe(
        (
            (
                _ANY + r"(images/(?:training|validation)/ADE_(?:train|val)_\d{8})\.(?i:jpe?g)",
                r"ADEChallengeData2016/\1.jpg",
            ),
            (
                _ANY + r"(annotations/(?:training|validation)/ADE_(?:train|val)_\d{8})\.(?i:png)",
                r"ADEChallengeData2016/\1.png",
            ),
            (_ANY + r"(objectInfo150\.txt|sceneCategories\.txt)", r"ADEChallengeData2016/\1"),
        ),
        """ADE20K scene parsing, 0.9 GB (terms: https://groups.csail.mit.edu/vision/datasets/ADE20K/terms/)
  densebench data ade20k --from http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip""",
    ),
    "voc2012": Recipe(
        (
            (_ANY + rf"(JPEGImages/{_VOC_ID})\.(?i:jpe?g)", rf"{_VOC}/\1.jpg"),
            (_ANY + rf"(SegmentationClass(?:Aug)?/{_VOC_ID})\.(?i:png)", rf"{_VOC}/\1.png"),
            (_ANY + r"(ImageSets/Segmentation/(?:train|val|trainval|aug|trainaug)\.txt)", rf"{_VOC}/\1"),
            (r"((?:aug|trainaug)\.txt)", rf"{_VOC}/ImageSets/Segmentation/\1"),
            (_ANY + rf"dataset/(img/{_VOC_ID})\.(?i:jpe?g)", r".sbd/\1.jpg"),
            (_ANY + rf"dataset/(cls/{_VOC_ID})\.(?i:mat)", r".sbd/\1.mat"),
        ),
        """PASCAL VOC 2012, 2.0 GB (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/)
  densebench data voc2012 --from http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar
Optional, for trainaug: the Semantic Boundaries Dataset, 1.4 GB
  densebench data voc2012 --add --from \
http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz""",
        _finish_voc2012,
    ),
    "cityscapes": Recipe(
        (
            (
                _ANY + r"(leftImg8bit/(?:train|val)/[^/]+/[^/]+_leftImg8bit)\.(?i:png)",
                r"\1.png",
            ),
            (
                _ANY + r"(gtFine/(?:train|val)/[^/]+/[^/]+_gtFine_label(?:Ids|TrainIds))\.(?i:png)",
                r"\1.png",
            ),
        ),
        """Cityscapes, fine annotations, 11.6 GB; needs an account at https://www.cityscapes-dataset.com/downloads/
  densebench data cityscapes --from leftImg8bit_trainvaltest.zip gtFine_trainvaltest.zip""",
        _finish_cityscapes,
    ),
    "nyu": Recipe(
        (
            (
                _ANY + r"(nyu_(?:train|test)\.txt|nyudepthv2_(?:train|test)_files_with_gt\.txt)",
                r"nyu_depth_v2/\1",
            ),
            (
                _ANY + r"(?:official_splits/)?test/([^/]+/rgb_\d+)\.(?i:jpe?g)",
                r"nyu_depth_v2/official_splits/test/\1.jpg",
            ),
            (
                _ANY + r"(?:official_splits/)?test/([^/]+/sync_depth_\d+)\.(?i:png)",
                r"nyu_depth_v2/official_splits/test/\1.png",
            ),
            (_ANY + r"sync/([^/]+/rgb_\d+)\.(?i:jpe?g)", r"nyu_depth_v2/sync/\1.jpg"),
            (_ANY + r"sync/([^/]+/sync_depth_\d+)\.(?i:png)", r"nyu_depth_v2/sync/\1.png"),
            (_ANY + r"([^/]+/rgb_\d+)\.(?i:jpe?g)", r"nyu_depth_v2/\1.jpg"),
            (_ANY + r"([^/]+/sync_depth_\d+)\.(?i:png)", r"nyu_depth_v2/\1.png"),
        ),
        """NYU Depth v2 in the layout of BTS (https://github.com/cleinc/bts): sync.zip with 24,231 training images, the
654 test images its script cuts out of nyu_depth_v2_labeled.mat, and the two lists of its folder train_test_inputs
  densebench data nyu --from sync.zip official_splits/ nyudepthv2_train_files_with_gt.txt \
nyudepthv2_test_files_with_gt.txt""",
    ),
    "kitti": Recipe(
        (
            (_ANY + r"(kitti_eigen_(?:train|test)\.txt)", r"\1"),
            (_ANY + rf"({_DRIVE}/proj_depth/groundtruth/image_0[23]/\d{{10}})\.(?i:png)", r"gt_depth/\1.png"),
            (_ANY + rf"(\d{{4}}_\d\d_\d\d/{_DRIVE}/image_0[23]/data/\d{{10}})\.(?i:png)", r"input/\1.png"),
        ),
        """KITTI raw data (about 175 GB) and annotated depth maps (14 GB), after registration at
https://www.cvlibs.net/datasets/kitti/, and the lists of the Monocular-Depth-Estimation-Toolbox
  densebench data kitti --from 2011_*_sync.zip data_depth_annotated.zip kitti_eigen_train.txt kitti_eigen_test.txt""",
    ),
    "sunrgbd": Recipe(
        (
            (_ANY + r"(SUNRGBD_val_splits\.txt)", r"\1"),
            (_ANY + rf"({_SENSOR}/.+/image/[^/]+)\.(?i:jpe?g)", r"SUNRGBD/\1.jpg"),
            (_ANY + rf"({_SENSOR}/.+/(?:depth|depth_bfx)/[^/]+)\.(?i:png)", r"SUNRGBD/\1.png"),
        ),
        """SUN RGB-D, 6.4 GB (https://rgbd.cs.princeton.edu/), and SUNRGBD_val_splits.txt of the
Monocular-Depth-Estimation-Toolbox
  densebench data sunrgbd --from SUNRGBD.zip SUNRGBD_val_splits.txt""",
    ),
    "imagenet": Recipe(
        (
            (_ANY + r"(train|val)/(n\d{8}/[^/]+\.(?i:jpe?g|png))", r"\1/\2"),
            (_ANY + r"n\d{8}/.*", None),
            (_ANY + r"(ILSVRC2012_val_\d{8})\.(?i:jpe?g)", r".flat/\1.JPEG"),
            (_ANY + r"(?:data/)?(ILSVRC2012_validation_ground_truth\.txt|meta\.mat)", r".devkit/\1"),
            (_ANY + r"(LOC_val_solution\.csv)", r".devkit/\1"),
        ),
        """ImageNet-1k (ILSVRC2012), 148 GB; needs an account at https://image-net.org/
  densebench data imagenet --from ILSVRC2012_img_train.tar ILSVRC2012_img_val.tar ILSVRC2012_devkit_t12.tar.gz""",
        _finish_imagenet,
        _ANY + r"(n\d{8})\.tar",
        r"train/\1",
    ),
}
