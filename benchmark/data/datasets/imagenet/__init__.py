"""ImageNet-1k (ILSVRC2012), and the test sets others made for its classes.

    imagenet/
        {train,val}/n01440764/*.JPEG                            a folder for each class, or
        val/ILSVRC2012_val_00000001.JPEG                        flat, as it is shipped, with
        ILSVRC2012_devkit_t12/data/{ILSVRC2012_validation_ground_truth.txt,meta.mat}
        ILSVRC/Data/CLS-LOC/{train,val}                         or as the challenge site ships it, with
        LOC_val_solution.csv
        real.json                                               labels of ReaL for val, optional
    imagenet-v2/imagenetv2-matched-frequency-format-val/0..999/     optional
    imagenet-sketch/sketch/n01440764/                               optional

The label of a class is its rank among the sorted folder names.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from benchmark.data.dataset import ClassificationDataset, KnownVariant
from benchmark.data.datasets.imagenet.test_sets import extra_sets
from benchmark.data.datasets.imagenet.val_labels import FLAT_IMAGES, sort_val
from benchmark.data.recipe import ANY_FOLDER, Checksum, Recipe
from benchmark.data.sources import ClassFolders


def _finish(folder: Path) -> Iterable[str | None]:
    """Sorts val, which is shipped flat, into the folders of its classes."""
    yield sort_val(folder / ".flat", folder / ".devkit", folder / "val")
    for used in (".flat", ".devkit"):
        shutil.rmtree(folder / used, ignore_errors=True)


_RECIPE = Recipe(
    routes=(
        (ANY_FOLDER + r"(train|val)/(n\d{8}/[^/]+\.(?i:jpe?g|png))", r"\1/\2"),
        (ANY_FOLDER + r"n\d{8}/.*", None),
        (ANY_FOLDER + r"(ILSVRC2012_val_\d{8})\.(?i:jpe?g)", r".flat/\1.JPEG"),
        (ANY_FOLDER + r"(?:data/)?(ILSVRC2012_validation_ground_truth\.txt|meta\.mat)", r".devkit/\1"),
        (ANY_FOLDER + r"(LOC_val_solution\.csv)", r".devkit/\1"),
    ),
    where="""ImageNet-1k (ILSVRC2012), 148 GB; needs an account at https://image-net.org/
  densebench data imagenet --from ILSVRC2012_img_train.tar ILSVRC2012_img_val.tar ILSVRC2012_devkit_t12.tar.gz""",
    finish=_finish,
    inner=ANY_FOLDER + r"(n\d{8})\.tar",
    inner_prefix=r"train/\1",
)

DATASET = ClassificationDataset(
    name="imagenet",
    title="ImageNet-1k",
    position=1,
    folder="imagenet",
    splits={split: ClassFolders((split, f"ILSVRC/Data/CLS-LOC/{split}"), FLAT_IMAGES) for split in ("train", "val")},
    counts={"train": 1_281_167, "val": 50_000},
    usual_size=(375, 500),
    extra_sets=extra_sets,
    recipe=_RECIPE,
    checksums={
        name: Checksum("md5", digest, "torchvision, datasets/imagenet.py")
        for name, digest in (
            ("ILSVRC2012_img_train.tar", "1d675b47d978889d74fa0da5fadfb00e"),
            ("ILSVRC2012_img_val.tar", "29b22e2961454d5413ddabcf34fc5622"),
            ("ILSVRC2012_devkit_t12.tar.gz", "fa75699e90414af021442c21a62c3abf"),
        )
    },
    known_variants=(
        KnownVariant("train", 9_469, "Imagenette: 10 classes"),
        KnownVariant("train", 126_689, "ImageNet-100: 100 classes"),
    ),
)
