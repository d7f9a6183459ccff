"""Metrics: predictions to per-image statistics to scores. Pure functions on torch and numpy arrays."""

from benchmark.metrics.confusion import confusion_matrix
from benchmark.metrics.iou import iou_scores

__all__ = ["confusion_matrix", "iou_scores"]
