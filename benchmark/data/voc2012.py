"""PASCAL VOC 2012 segmentation.

    voc2012/VOCdevkit/VOC2012/
        JPEGImages/2007_000032.jpg
        SegmentationClass/2007_000032.png        palette indices: 0 = background, 1..20, 255 = border, ignored
        ImageSets/Segmentation/{train,val}.txt
        SegmentationClassAug/*.png, ImageSets/Segmentation/aug.txt        SBD's further 9,118 images, optional

``trainaug`` is ``train`` with its original masks and the SBD images outside ``train`` and ``val``: 10,582.
"""

from benchmark.data.layout import Part, SegmentationLayout

_LISTS = "ImageSets/Segmentation"
_TRAIN = Part("JPEGImages", "SegmentationClass", f"{_LISTS}/train.txt")

LAYOUT = SegmentationLayout(
    name="voc2012",
    folder="voc2012/VOCdevkit/VOC2012",
    image_suffix=".jpg",
    label_suffix=".png",
    num_classes=21,
    splits={
        "train": (_TRAIN,),
        "trainaug": (_TRAIN, Part("JPEGImages", "SegmentationClassAug", f"{_LISTS}/aug.txt")),
        "val": (Part("JPEGImages", "SegmentationClass", f"{_LISTS}/val.txt"),),
    },
    counts={"train": 1_464, "trainaug": 10_582, "val": 1_449},
    usual_size=(375, 500),
    colours="voc",
)
