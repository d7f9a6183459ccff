"""Heads and losses: plain ``torch`` modules that know nothing of the benchmark around them."""

from heads.depth import LinearDepthHead
from heads.depth_losses import GradientLoss, SigLoss
from heads.knn import KNNClassifier
from heads.linear import LinearProbe, LinearProbes, pooled_inputs
from heads.logistic import LogisticRegression, logistic_regression_path
from heads.losses import upsampled_cross_entropy
from heads.segmentation import LinearSegmentationHead

__all__ = [
    "GradientLoss",
    "KNNClassifier",
    "LinearDepthHead",
    "LinearProbe",
    "LinearProbes",
    "LinearSegmentationHead",
    "LogisticRegression",
    "SigLoss",
    "logistic_regression_path",
    "pooled_inputs",
    "upsampled_cross_entropy",
]
