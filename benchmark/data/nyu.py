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

from benchmark.data.layout import DepthEncoding, DepthLayout, PairList

_PART = re.compile(r"(?<=_\d{4})[a-z]$")


def _place(image: str) -> str:
    """Names the place of a frame: ``kitchen_0028a`` and ``kitchen_0028b`` are one; 284 folders are 249 places."""
    return _PART.sub("", PurePosixPath(image).parent.name)


LAYOUT = DepthLayout(
    name="nyu",
    folder="nyu/nyu_depth_v2",
    splits={
        "train": PairList(
            lists=("nyu_train.txt", "nyudepthv2_train_files_with_gt.txt"),
            folders=(("", ""), ("sync", "sync")),
        ),
        "val": PairList(
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
)
