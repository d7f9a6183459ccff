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

from benchmark.data.layout import ClassificationLayout

LAYOUT = ClassificationLayout(
    name="imagenet",
    folder="imagenet",
    splits={split: (split, f"ILSVRC/Data/CLS-LOC/{split}") for split in ("train", "val")},
    counts={"train": 1_281_167, "val": 50_000},
    usual_size=(375, 500),
)

REAL = "real.json"
"""Beyer et al., arXiv 2006.07159; beside ``val``."""

V2 = ClassificationLayout(
    name="imagenet-v2",
    folder="imagenet-v2",
    splits={"val": ("imagenetv2-matched-frequency-format-val",)},
    counts={"val": 10_000},
    usual_size=(375, 500),
)
"""Recht et al., ICML 2019; a folder's name is the label."""

SKETCH = ClassificationLayout(
    name="imagenet-sketch",
    folder="imagenet-sketch",
    splits={"val": ("sketch",)},
    counts={"val": 50_889},
    usual_size=(500, 500),
)
"""Wang et al., NeurIPS 2019."""
