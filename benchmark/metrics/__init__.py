"""Metrics: predictions to per-image statistics to scores. Pure functions on torch and numpy arrays."""

from benchmark.metrics.confusion import confusion_matrix
from benchmark.metrics.depth import depth_errors
from benchmark.metrics.evaluation_crop import evaluation_crop
from benchmark.metrics.iou import iou_scores
from benchmark.metrics.topk import accuracy_from_hits, mean_class_accuracy, ranks, top_k

__all__ = [
    "accuracy_from_hits",
    "confusion_matrix",
    "depth_errors",
    "evaluation_crop",
    "iou_scores",
    "mean_class_accuracy",
    "ranks",
    "top_k",
]
