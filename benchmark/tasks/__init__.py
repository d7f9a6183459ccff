"""Kinds of benchmarks. A dataset makes a benchmark with each kind that is asked on datasets like it."""

from benchmark.tasks.classification import KNN, LINEAR, LOGREG
from benchmark.tasks.depth import DEPTH
from benchmark.tasks.segmentation import SEGMENTATION
from benchmark.tasks.task import DataSize, Forwards, Task

TASKS: tuple[Task, ...] = (SEGMENTATION, DEPTH, KNN, LINEAR, LOGREG)
"""In the order of their columns."""

__all__ = ["TASKS", "DataSize", "Forwards", "Task"]
