"""PASCAL VOC 2012 segmentation.

    voc2012/VOCdevkit/VOC2012/
        JPEGImages/2007_000032.jpg
        SegmentationClass/2007_000032.png        palette indices: 0 = background, 1..20, 255 = border, ignored
        ImageSets/Segmentation/{train,val}.txt
        SegmentationClassAug/*.png, ImageSets/Segmentation/aug.txt        SBD's further 9,118 images, optional

``trainaug`` is ``train`` with its original masks and the SBD images outside ``train`` and ``val``: 10,582.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmark.data.dataset import KnownVariant, SegmentationDataset
from benchmark.data.label_encoding import LabelEncoding
from benchmark.data.recipe import ANY_FOLDER, Checksum, Recipe
from benchmark.data.sources import LabelFolders

_FOLDER = "VOCdevkit/VOC2012"
_ID = r"\d{4}_\d{6}"
_LISTS = "ImageSets/Segmentation"
_TRAIN = LabelFolders("JPEGImages", "SegmentationClass", f"{_LISTS}/train.txt")

# fmt: off
_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on


def _finish(folder: Path) -> Iterable[str | None]:
    """Adds the images of SBD, where they were given, and the list of all of them."""
    from benchmark.data.datasets.voc2012.sbd import complete_lists, merge_sbd  # noqa: PLC0415  (only where it is made)

    sbd = folder / ".sbd"
    if sbd.is_dir():
        yield merge_sbd(folder / _FOLDER, sbd)
        shutil.rmtree(sbd)
    yield complete_lists(folder / _FOLDER)


def _official(counts: Mapping[str, tuple[int, int]]) -> str:
    """Says which of the official releases somebody has, with SBD or without."""
    if "trainaug" not in counts:
        return "VOC2012 train+val, no SBD: 1,464 train and 1,449 val images"
    found, official = counts["trainaug"]
    if found == official:
        return "VOC2012 train+val with SBD: 1,464 train, 10,582 trainaug and 1,449 val images"
    return (
        f"VOC2012 train+val with a part of SBD: trainaug has {found:,} of {official:,} images and is not comparable "
        "with published ones; train and val are whole"
    )


_RECIPE = Recipe(
    routes=(
        (ANY_FOLDER + rf"(JPEGImages/{_ID})\.(?i:jpe?g)", rf"{_FOLDER}/\1.jpg"),
        (ANY_FOLDER + rf"(SegmentationClass(?:Aug)?/{_ID})\.(?i:png)", rf"{_FOLDER}/\1.png"),
        (ANY_FOLDER + r"(ImageSets/Segmentation/(?:train|val|trainval|aug|trainaug)\.txt)", rf"{_FOLDER}/\1"),
        (r"((?:aug|trainaug)\.txt)", rf"{_FOLDER}/ImageSets/Segmentation/\1"),
        (ANY_FOLDER + rf"dataset/(img/{_ID})\.(?i:jpe?g)", r".sbd/\1.jpg"),
        (ANY_FOLDER + rf"dataset/(cls/{_ID})\.(?i:mat)", r".sbd/\1.mat"),
    ),
    where="""PASCAL VOC 2012, 2.0 GB (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/)
  densebench data voc2012 --from http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar
Optional, for trainaug: the Semantic Boundaries Dataset, 1.4 GB
  densebench data voc2012 --add --from \
http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz""",
    finish=_finish,
)

DATASET = SegmentationDataset(
    name="voc2012",
    title="PASCAL VOC 2012 segmentation",
    position=2,
    averaged=True,
    folder=f"voc2012/{_FOLDER}",
    classes=_CLASSES,
    labels=LabelEncoding.counted(len(_CLASSES)),
    splits={
        "train": (_TRAIN,),
        "trainaug": (_TRAIN, LabelFolders("JPEGImages", "SegmentationClassAug", f"{_LISTS}/aug.txt")),
        "val": (LabelFolders("JPEGImages", "SegmentationClass", f"{_LISTS}/val.txt"),),
    },
    counts={"train": 1_464, "trainaug": 10_582, "val": 1_449},
    usual_size=(375, 500),
    palette="voc",
    recipe=_RECIPE,
    checksums={
        "VOCtrainval_11-May-2012.tar": Checksum(
            "md5", "6cd6e144f989b92b3379bac3b3de84fd", "torchvision, datasets/voc.py"
        ),
        "benchmark.tgz": Checksum("md5", "82b4d87ceb2ed10f6038a1cba92111cb", "torchvision, datasets/sbd.py"),
    },
    known_variants=(
        KnownVariant("train", 10_582, "train.txt is the list of SBD's trainaug, 10,582 images, not VOC's 1,464"),
        KnownVariant("train", 2_913, "train.txt is VOC's trainval: it holds the val images"),
    ),
    official_variant=_official,
)
