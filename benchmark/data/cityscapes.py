"""Cityscapes, fine annotations.

    cityscapes/
        leftImg8bit/{train,val}/<city>/<city>_000000_000019_leftImg8bit.png                 2048 x 1024
        gtFine/{train,val}/<city>/<city>_000000_000019_gtFine_labelTrainIds.png             0..18, 255 = ignored

``labelTrainIds`` files are made by cityscapesScripts (``csCreateTrainIdLabelImgs``).
"""

from pathlib import PurePosixPath

from benchmark.data.layout import Part, SegmentationLayout


def _city(image: str) -> str:
    """Names the city of a frame: its frames are of one drive or a few."""
    return PurePosixPath(image).parent.name


LAYOUT = SegmentationLayout(
    name="cityscapes",
    folder="cityscapes",
    image_suffix="_leftImg8bit.png",
    label_suffix="_gtFine_labelTrainIds.png",
    num_classes=19,
    splits={split: (Part(f"leftImg8bit/{split}", f"gtFine/{split}"),) for split in ("train", "val")},
    counts={"train": 2_975, "val": 500},
    usual_size=(1024, 2048),
    beside_labels=tuple(
        f"_gtFine_{kind}"
        for kind in ("color.png", "instanceIds.png", "instanceTrainIds.png", "labelIds.png", "polygons.json")
    ),
    scene=_city,
)
