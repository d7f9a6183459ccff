"""A callback for Lightning that evaluates the backbone of a module every few steps and logs the scores.

    Trainer(callbacks=[EvaluateEvery(5000, ["nyu", "imagenet-knn"], data_root="data", results="results")])

Lightning is not needed by DenseBench and not installed with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lightning.pytorch.callbacks import Callback

from benchmark import evaluate
from benchmark.errors import EvaluationError


class EvaluateEvery(Callback):
    """Evaluates ``pl_module.backbone`` on the first process while the others wait.

    With several processes, set the timeout of the strategy above the time an evaluation takes.

    Args:
        steps: Optimiser steps between two evaluations.
        benchmarks: What to evaluate on.
        backbone: Attribute of the module that holds what ``evaluate`` takes.
        **given: Further arguments of ``evaluate``: ``data_root``, ``results``, ``overrides``.
    """

    def __init__(self, steps: int, benchmarks: Sequence[str], *, backbone: str = "backbone", **given: Any) -> None:
        self.steps, self.benchmarks, self.backbone, self.given = steps, benchmarks, backbone, given
        self._last = 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_batch: Any) -> None:
        """Evaluates when enough steps have gone by; with accumulated gradients a step has several batches."""
        step = trainer.global_step
        if step == self._last or step % self.steps:
            return
        self._last = step
        if trainer.is_global_zero:
            scores = self._scores(getattr(pl_module, self.backbone), step)
            for logger in trainer.loggers:
                logger.log_metrics(scores, step=step)
        trainer.strategy.barrier()

    def _scores(self, backbone: Any, step: int) -> dict[str, float]:
        try:
            found = evaluate(backbone, self.benchmarks, step=step, **self.given)
        except EvaluationError as error:  # a training of days need not end with it; its record says what went wrong
            print(error)
            found = error.results
        return found.scores
