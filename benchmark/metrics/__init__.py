"""Metrics: predictions to per-image statistics to scores. Pure functions on torch and numpy arrays."""

from benchmark.metrics.confusion import confusion_matrix
from benchmark.metrics.depth import depth_errors
from benchmark.metrics.evaluation_crop import evaluation_crop
from benchmark.metrics.iou import iou_scores

__all__ = ["confusion_matrix", "depth_errors", "evaluation_crop", "iou_scores"]
