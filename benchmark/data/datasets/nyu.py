"""NYU Depth v2, the subset of BTS (``cleinc/bts``), indoors.

    nyu/nyu_depth_v2/
        <scene>/rgb_00045.jpg                  480 x 640
        <scene>/sync_depth_00045.png           16 bits, millimetres, 0 = no measurement
        nyu_train.txt, nyu_test.txt            "rgb depth focal" per line; a leading "/" means the root of the dataset

BTS itself keeps the scenes in ``sync/`` (train) and ``official_splits/test/`` and calls the lists
``nyudepthv2_{train,test}_files_with_gt.txt``: a list is looked for under both names, and its scenes in the root first,
then there, or in a plain ``test/``. Other training sets of NYU (1,449 labelled, 30.8k, 50k images) are other protocols.
"""

import re
from pathlib import PurePosixPath

from benchmark.data.dataset import DepthDataset, KnownVariant
from benchmark.data.depth_encoding import DepthEncoding
from benchmark.data.recipe import ANY_FOLDER, Recipe
from benchmark.data.sources import DepthList

_PART = re.compile(r"(?<=_\d{4})[a-z]$")


def _place(image: str) -> str:
    """Names the place of a frame: ``kitchen_0028a`` and ``kitchen_0028b`` are one; 284 folders are 249 places."""
    return _PART.sub("", PurePosixPath(image).parent.name)


_RECIPE = Recipe(
    routes=(
        (
            ANY_FOLDER + r"(nyu_(?:train|test)\.txt|nyudepthv2_(?:train|test)_files_with_gt\.txt)",
            r"nyu_depth_v2/\1",
        ),
        (
            ANY_FOLDER + r"(?:official_splits/)?test/([^/]+/rgb_\d+)\.(?i:jpe?g)",
            r"nyu_depth_v2/official_splits/test/\1.jpg",
        ),
        (
            ANY_FOLDER + r"(?:official_splits/)?test/([^/]+/sync_depth_\d+)\.(?i:png)",
            r"nyu_depth_v2/official_splits/test/\1.png",
        ),
        (ANY_FOLDER + r"sync/([^/]+/rgb_\d+)\.(?i:jpe?g)", r"nyu_depth_v2/sync/\1.jpg"),
        (ANY_FOLDER + r"sync/([^/]+/sync_depth_\d+)\.(?i:png)", r"nyu_depth_v2/sync/\1.png"),
        (ANY_FOLDER + r"([^/]+/rgb_\d+)\.(?i:jpe?g)", r"nyu_depth_v2/\1.jpg"),
        (ANY_FOLDER + r"([^/]+/sync_depth_\d+)\.(?i:png)", r"nyu_depth_v2/\1.png"),
    ),
    where="""NYU Depth v2 in the layout of BTS (https://github.com/cleinc/bts): sync.zip with 24,231 training images,
the 654 test images its script cuts out of nyu_depth_v2_labeled.mat, and the two lists of its folder train_test_inputs
  densebench data nyu --from sync.zip official_splits/ nyudepthv2_train_files_with_gt.txt \
nyudepthv2_test_files_with_gt.txt""",
)

DATASET = DepthDataset(
    name="nyu",
    title="NYU Depth v2, BTS subset",
    position=1,
    averaged=True,
    folder="nyu/nyu_depth_v2",
    splits={
        "train": DepthList(
            lists=("nyu_train.txt", "nyudepthv2_train_files_with_gt.txt"),
            folders=(("", ""), ("sync", "sync")),
        ),
        "val": DepthList(
            lists=("nyu_test.txt", "nyudepthv2_test_files_with_gt.txt"),
            folders=(("", ""), ("official_splits/test", "official_splits/test"), ("test", "test")),
        ),
    },
    counts={"train": 24_231, "val": 654},
    encoding=DepthEncoding(per_metre=1000),
    depth_range=(0.001, 10.0),
    usual_median=(0.3, 10.0),
    usual_size=(480, 640),
    scene=_place,
    recipe=_RECIPE,
    known_variants=(
        KnownVariant("train", 795, "train is the 795 labelled images, not BTS's 24,231"),
        KnownVariant("train", 1_449, "train is all 1,449 labelled images, the 654 test images among them"),
        KnownVariant("train", 50_688, "train is the 50,688 images of DenseDepth, not BTS's 24,231"),
    ),
)
