"""Cityscapes, fine annotations.

    cityscapes/
        leftImg8bit/{train,val}/<city>/<city>_000000_000019_leftImg8bit.png                 2048 x 1024
        gtFine/{train,val}/<city>/<city>_000000_000019_gtFine_labelTrainIds.png             0..18, 255 = ignored

``labelTrainIds`` files are made by cityscapesScripts (``csCreateTrainIdLabelImgs``).
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from benchmark.data.dataset import SegmentationDataset
from benchmark.data.label_encoding import LabelEncoding
from benchmark.data.recipe import ANY_FOLDER, Recipe
from benchmark.data.sources import LabelFolders


def _city(image: str) -> str:
    """Names the city of a frame: its frames are of one drive or a few."""
    return PurePosixPath(image).parent.name


# fmt: off
_CLASSES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation",
    "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)
# fmt: on


def _finish(folder: Path) -> Iterable[str | None]:
    """Makes the training labels that the archives lack."""
    from benchmark.data.datasets.cityscapes.train_ids import make_train_ids  # noqa: PLC0415  (only where it is made)

    yield make_train_ids(folder)


_RECIPE = Recipe(
    routes=(
        (
            ANY_FOLDER + r"(leftImg8bit/(?:train|val)/[^/]+/[^/]+_leftImg8bit)\.(?i:png)",
            r"\1.png",
        ),
        (
            ANY_FOLDER + r"(gtFine/(?:train|val)/[^/]+/[^/]+_gtFine_label(?:Ids|TrainIds))\.(?i:png)",
            r"\1.png",
        ),
    ),
    where="""Cityscapes, fine annotations, 11.6 GB; needs an account at https://www.cityscapes-dataset.com/downloads/
  densebench data cityscapes --from leftImg8bit_trainvaltest.zip gtFine_trainvaltest.zip""",
    finish=_finish,
)

DATASET = SegmentationDataset(
    name="cityscapes",
    title="Cityscapes, fine annotations",
    position=3,
    averaged=True,
    folder="cityscapes",
    image_suffixes=("_leftImg8bit.png",),
    label_suffix="_gtFine_labelTrainIds.png",
    classes=_CLASSES,
    labels=LabelEncoding.counted(len(_CLASSES)),
    splits={split: (LabelFolders(f"leftImg8bit/{split}", f"gtFine/{split}"),) for split in ("train", "val")},
    counts={"train": 2_975, "val": 500},
    usual_size=(1024, 2048),
    beside_labels=tuple(
        f"_gtFine_{kind}"
        for kind in ("color.png", "instanceIds.png", "instanceTrainIds.png", "labelIds.png", "polygons.json")
    ),
    scene=_city,
    recipe=_RECIPE,
)
