"""ADE20K scene parsing (SceneParse150).

    ade20k/ADEChallengeData2016/
        images/{training,validation}/ADE_{train,val}_00000001.jpg
        annotations/{training,validation}/ADE_{train,val}_00000001.png    8-bit, 0 = other, 1..150

The label 0 becomes "ignore" and the others move down by one: 150 classes, never 151.
"""

from benchmark.data.layout import Part, SegmentationLayout

LAYOUT = SegmentationLayout(
    name="ade20k",
    folder="ade20k/ADEChallengeData2016",
    image_suffix=".jpg",
    label_suffix=".png",
    num_classes=150,
    splits={
        "train": (Part("images/training", "annotations/training"),),
        "val": (Part("images/validation", "annotations/validation"),),
    },
    counts={"train": 20_210, "val": 2_000},
    usual_size=(512, 683),
    zero_is_other=True,
)
