"""ADE20K scene parsing (SceneParse150).

    ade20k/ADEChallengeData2016/
        images/{training,validation}/ADE_{train,val}_00000001.jpg
        annotations/{training,validation}/ADE_{train,val}_00000001.png    8-bit, 0 = other, 1..150

The label 0 becomes "ignore" and the others move down by one: 150 classes, never 151.
"""

from benchmark.data.dataset import KnownVariant, SegmentationDataset
from benchmark.data.label_encoding import LabelEncoding
from benchmark.data.recipe import ANY_FOLDER, Checksum, Recipe
from benchmark.data.sources import LabelFolders

# fmt: off
_CLASSES = (
    "wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed", "windowpane", "grass", "cabinet",
    "sidewalk", "person", "earth", "door", "table", "mountain", "plant", "curtain", "chair", "car", "water",
    "painting", "sofa", "shelf", "house", "sea", "mirror", "rug", "field", "armchair", "seat", "fence", "desk",
    "rock", "wardrobe", "lamp", "bathtub", "railing", "cushion", "base", "box", "column", "signboard",
    "chest of drawers", "counter", "sand", "sink", "skyscraper", "fireplace", "refrigerator", "grandstand",
    "path", "stairs", "runway", "case", "pool table", "pillow", "screen door", "stairway", "river", "bridge",
    "bookcase", "blind", "coffee table", "toilet", "flower", "book", "hill", "bench", "countertop", "stove",
    "palm", "kitchen island", "computer", "swivel chair", "boat", "bar", "arcade machine", "hovel", "bus",
    "towel", "light", "truck", "tower", "chandelier", "awning", "streetlight", "booth", "television receiver",
    "airplane", "dirt track", "apparel", "pole", "land", "bannister", "escalator", "ottoman", "bottle",
    "buffet", "poster", "stage", "van", "ship", "fountain", "conveyer belt", "canopy", "washer", "plaything",
    "swimming pool", "stool", "barrel", "basket", "waterfall", "tent", "bag", "minibike", "cradle", "oven",
    "ball", "food", "step", "tank", "trade name", "microwave", "pot", "animal", "bicycle", "lake", "dishwasher",
    "screen", "blanket", "sculpture", "hood", "sconce", "vase", "traffic light", "tray", "ashcan", "fan",
    "pier", "crt screen", "plate", "monitor", "bulletin board", "shower", "radiator", "glass", "clock", "flag",
)
# fmt: on

_RECIPE = Recipe(
    routes=(
        (
            ANY_FOLDER + r"(images/(?:training|validation)/ADE_(?:train|val)_\d{8})\.(?i:jpe?g)",
            r"ADEChallengeData2016/\1.jpg",
        ),
        (
            ANY_FOLDER + r"(annotations/(?:training|validation)/ADE_(?:train|val)_\d{8})\.(?i:png)",
            r"ADEChallengeData2016/\1.png",
        ),
        (ANY_FOLDER + r"(objectInfo150\.txt|sceneCategories\.txt)", r"ADEChallengeData2016/\1"),
    ),
    where="""ADE20K scene parsing, 0.9 GB (terms: https://groups.csail.mit.edu/vision/datasets/ADE20K/terms/)
  densebench data ade20k --from http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip""",
)

DATASET = SegmentationDataset(
    name="ade20k",
    title="ADE20K scene parsing (SceneParse150)",
    position=1,
    averaged=True,
    folder="ade20k/ADEChallengeData2016",
    classes=_CLASSES,
    labels=LabelEncoding.counted(len(_CLASSES), first=1, ignored=(0, 255)),
    splits={
        "train": (LabelFolders("images/training", "annotations/training"),),
        "val": (LabelFolders("images/validation", "annotations/validation"),),
    },
    counts={"train": 20_210, "val": 2_000},
    usual_size=(512, 683),
    recipe=_RECIPE,
    checksums={
        "ADEChallengeData2016.zip": Checksum(
            "sha1", "219e1696abb36c8ba3a3afe7fb2f4b4606a897c7", "gluon-cv, scripts/datasets/ade20k.py"
        )
    },
    known_variants=(
        KnownVariant("train", 25_574, "the full ADE20K release, not the scene parsing benchmark with its 20,210"),
    ),
)
