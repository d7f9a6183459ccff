"""Where the files of archives go."""

from __future__ import annotations

import pytest

from benchmark.data.registry import DATASETS

ADE = "ADEChallengeData2016/"
VOC = "VOCdevkit/VOC2012/"
NYU = "nyu_depth_v2/"
DRIVE = "2011_09_26/2011_09_26_drive_0002_sync"
DEPTH = "2011_09_26_drive_0002_sync/proj_depth/groundtruth"


def test_every_dataset_that_can_be_checked_can_be_made() -> None:
    assert all(dataset.recipe is not None for dataset in DATASETS.values())


@pytest.mark.parametrize(
    ("dataset", "path", "place"),
    [
        ("ade20k", "__MACOSX/ADEChallengeData2016/images/training/._ADE_train_00000001.jpg", None),
        ("ade20k", "images/training/._ADE_train_00000001.jpg", None),
        ("ade20k", "ADEChallengeData2016/index_ade20k.pkl", None),
        ("voc2012", "VOCdevkit/VOC2007/JPEGImages/000005.jpg", None),
        ("voc2012", "VOCdevkit/VOC2012/ImageSets/Main/train.txt", None),
        ("voc2012", "VOCdevkit/VOC2012/SegmentationObject/2007_000032.png", None),
        ("voc2012", "benchmark_RELEASE/dataset/cls/2008_000002.mat", ".sbd/cls/2008_000002.mat"),
        ("voc2012", "benchmark_RELEASE/dataset/train.txt", None),
        ("cityscapes", "gtFine/test/berlin/berlin_000000_000019_gtFine_labelIds.png", None),
        ("cityscapes", "gtFine/val/ulm/a_gtFine_color.png", None),
        ("nyu", "bts/sync/bath_1/rgb_00001.jpg", f"{NYU}sync/bath_1/rgb_00001.jpg"),
        ("nyu", "test/bath/sync_depth_1.png", f"{NYU}official_splits/test/bath/sync_depth_1.png"),
        ("nyu", "bath_1/rgb_00001.jpg", f"{NYU}bath_1/rgb_00001.jpg"),
        ("imagenet", "ILSVRC/Data/CLS-LOC/train/n01440764/n01440764_1.JPEG", "train/n01440764/n01440764_1.JPEG"),
        ("imagenet", "ILSVRC/Data/CLS-LOC/val/ILSVRC2012_val_00000001.JPEG", ".flat/ILSVRC2012_val_00000001.JPEG"),
        ("imagenet", "ILSVRC/Data/CLS-LOC/test/ILSVRC2012_test_00000001.JPEG", None),
        ("imagenet", "train/n01440764/ILSVRC2012_val_00000293.JPEG", "train/n01440764/ILSVRC2012_val_00000293.JPEG"),
        ("imagenet", "n01440764/ILSVRC2012_val_00000293.JPEG", None),
        ("sunrgbd", "SUNRGBD/xtion/sun3ddata/a/depth_bfx/1.png", "SUNRGBD/xtion/sun3ddata/a/depth_bfx/1.png"),
        ("sunrgbd", "SUNRGBD/xtion/sun3ddata/a/seg.mat", None),
        ("kitti", f"{DRIVE}/image_03/data/0000000069.png", f"input/{DRIVE}/image_03/data/0000000069.png"),
        ("kitti", f"{DRIVE}/image_00/data/0000000069.png", None),
        ("kitti", f"train/{DEPTH}/image_03/0000000069.png", f"gt_depth/{DEPTH}/image_03/0000000069.png"),
        ("ade20k", "a/images/training/ADE_train_00000001.JPG", f"{ADE}images/training/ADE_train_00000001.jpg"),
        ("ade20k", "annotations/validation/ADE_val_00000001.PNG", f"{ADE}annotations/validation/ADE_val_00000001.png"),
        ("ade20k", "images/training/ADE_train_00000001.webp", None),
        ("voc2012", "VOCdevkit/VOC2012/JPEGImages/2007_000032.JPEG", f"{VOC}JPEGImages/2007_000032.jpg"),
        ("voc2012", "SegmentationClassAug/2007_000032.Png", f"{VOC}SegmentationClassAug/2007_000032.png"),
        ("voc2012", "benchmark_RELEASE/dataset/img/2008_000002.JPG", ".sbd/img/2008_000002.jpg"),
        ("cityscapes", "x/leftImg8bit/val/ulm/a_leftImg8bit.PNG", "leftImg8bit/val/ulm/a_leftImg8bit.png"),
        ("cityscapes", "gtFine/val/ulm/a_gtFine_labelIds.PNG", "gtFine/val/ulm/a_gtFine_labelIds.png"),
        ("nyu", "bath_1/rgb_00001.JPG", f"{NYU}bath_1/rgb_00001.jpg"),
        ("nyu", "a/sync/bath_1/sync_depth_00001.PNG", f"{NYU}sync/bath_1/sync_depth_00001.png"),
        ("nyu", "official_splits/test/bath/rgb_1.JPG", f"{NYU}official_splits/test/bath/rgb_1.jpg"),
        ("nyu", "bath.bak/rgb_00001.jpg", f"{NYU}bath.bak/rgb_00001.jpg"),
        ("nyu", "bath_1/rgb_00001.jpg.bak", None),
        ("sunrgbd", "SUNRGBD/kv1/NYUdata/a/image/1.JPG", "SUNRGBD/kv1/NYUdata/a/image/1.jpg"),
        ("sunrgbd", "SUNRGBD/kv1/NYUdata/a/depth/1.PNG", "SUNRGBD/kv1/NYUdata/a/depth/1.png"),
        ("kitti", f"{DRIVE}/image_03/data/0000000069.PNG", f"input/{DRIVE}/image_03/data/0000000069.png"),
        ("imagenet", "train/n01440764/a.JPG", "train/n01440764/a.JPG"),
        ("imagenet", "val/n01440764/a.Jpeg", "val/n01440764/a.Jpeg"),
        ("imagenet", "ILSVRC2012_val_00000001.jpg", ".flat/ILSVRC2012_val_00000001.JPEG"),
    ],
)
def test_files_go_to_their_places_and_others_are_left_out(dataset: str, path: str, place: str | None) -> None:
    assert DATASETS[dataset].recipe.place(path) == place
