"""Protocols: named, versioned configs under ``configs/<benchmark>/<protocol>.py``, read strictly.

A protocol is data. Every key of a config file is a field of one of the models here, and every field is read by the
code that runs the benchmark: a key nobody knows is an error, so is a missing one. ``key=value`` overrides replace
single fields. The fingerprint is a hash of all fields, so that two results are comparable exactly when theirs agree.
"""

from benchmark.protocols.classification import (
    FewShotData,
    ImageView,
    KnnProtocol,
    LinearProtocol,
    LinearSweep,
    LinearTrain,
    LogregProtocol,
    Momentum,
    Neighbours,
    Regression,
    StoredFeatures,
)
from benchmark.protocols.depth import (
    DepthData,
    DepthFeatures,
    DepthHead,
    DepthLoss,
    DepthMomentum,
    DepthOptimizer,
    DepthProtocol,
    DepthSchedule,
    DepthTest,
    DepthTrain,
    FixedCrop,
    resolve_layers,
)
from benchmark.protocols.load import (
    Protocol,
    Settings,
    compared_fields,
    load_protocol,
    parse_backbone_options,
    share_overrides,
)
from benchmark.protocols.sections import Data, Features, Probes, Selection
from benchmark.protocols.segmentation import (
    Head,
    Optimizer,
    Resize,
    Schedule,
    SegmentationLoss,
    SegmentationProtocol,
    SegmentationTest,
    SegmentationTrain,
)

__all__ = [
    "Data",
    "DepthData",
    "DepthFeatures",
    "DepthHead",
    "DepthLoss",
    "DepthMomentum",
    "DepthOptimizer",
    "DepthProtocol",
    "DepthSchedule",
    "DepthTest",
    "DepthTrain",
    "Features",
    "FewShotData",
    "FixedCrop",
    "Head",
    "ImageView",
    "KnnProtocol",
    "LinearProtocol",
    "LinearSweep",
    "LinearTrain",
    "LogregProtocol",
    "Momentum",
    "Neighbours",
    "Optimizer",
    "Probes",
    "Protocol",
    "Regression",
    "Resize",
    "Schedule",
    "SegmentationLoss",
    "SegmentationProtocol",
    "SegmentationTest",
    "SegmentationTrain",
    "Selection",
    "Settings",
    "StoredFeatures",
    "compared_fields",
    "load_protocol",
    "parse_backbone_options",
    "resolve_layers",
    "share_overrides",
]
