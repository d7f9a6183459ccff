"""Logistic regression along a path of penalties, by L-BFGS in float64 on features of any size and number format."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from heads.chunks import Features, as_shards, chunks_of, class_labels

# Values of a feature matrix that scikit-learn may fit: it holds them in float64 (128 MB here) and copies of its own.
# Below this its compiled loop takes seconds; above, memory counts, which only our chunks bound.
_SMALL = 1 << 24

# Bytes of converted features, logits and their gradient at a time.
_MEMORY = 1 << 28

# What scikit-learn 1.9 gives L-BFGS-B beside the tolerance, so that both solvers stop by the same rules.
_LINE_SEARCH_STEPS = 50
_RELATIVE_DECREASE = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LogisticRegression:
    """A fitted model."""

    c: float
    """Inverse strength of the penalty."""

    weight: Tensor
    """(C, D) float64; (1, D) for two classes, of the second against the first."""

    intercept: Tensor
    """(C,) float64, (1,) for two classes."""

    converged: bool
    """Whether the solver met its tolerance; if not, it ran out of iterations or of precision."""

    iterations: int
    """Steps of L-BFGS."""

    def scores(self, features: Tensor) -> Tensor:
        """Returns logits (N, C) float64 of features (N, D), where the model is."""
        rows = features.to(self.weight.device, torch.float64)
        return _with_reference(F.linear(rows, self.weight, self.intercept))

    def predict(self, features: Tensor) -> Tensor:
        """Returns classes (N,) int64."""
        return self.scores(features).argmax(1)


def logistic_regression_path(
    features: Features,
    labels: Tensor,
    c_values: Sequence[float],
    *,
    num_classes: int,
    max_iterations: int = 1000,
    tolerance: float = 1e-12,
    solver: Literal["auto", "torch", "sklearn"] = "auto",
    device: torch.device | str | None = None,
) -> Iterator[LogisticRegression]:
    """Minimises |W|^2 / 2 + C sum(cross-entropy) for each C, the intercept free.

    Source: facebookresearch/dinov2 ``eval/log_regression.py`` (tolerance 1e-12, 1000 iterations, 50 line-search
    steps) and scikit-learn's ``LogisticRegression``, whose minimum this is. With two classes there is one weight vector
    w, of the second class, as there: two of them would halve the penalty.

    The models come in the order of rising C, each started from the one before, and only the last is held. L-BFGS-B is
    scipy's, on the objective divided by C N; loss and gradient are summed over chunks of the features, so their size
    is bounded by the disk alone. Small sets on a CPU go to scikit-learn, which does the same.

    Args:
        features: (N, D) floating point, or shards of it; read once for each evaluation, so best where ``device`` is.
        labels: (N,) integer classes in [0, C), each of which occurs.
        c_values: Positive; they are sorted.
        num_classes: Number of classes C, at least 2.
        max_iterations: Steps of L-BFGS for each C.
        tolerance: Largest entry of the gradient of the divided objective at which it has converged.
        solver: ``"auto"`` chooses by size.
        device: Where it is computed; None is where the features are.

    Yields:
        A model for each C.

    Raises:
        ValueError: Wrong shapes, a label that is not a class, a class without a row, a row that is not finite, a C that
            is not positive, an unknown solver. Raised by the call, before the first model is asked for.
    """
    shards = as_shards(features, "features")
    classes = class_labels(labels, sum(len(shard) for shard in shards))
    if solver not in ("auto", "torch", "sklearn"):
        raise ValueError(f"solver must be 'auto', 'torch' or 'sklearn', received {solver!r}")
    if not c_values or not all(c > 0 for c in c_values):
        raise ValueError(f"C must be positive, received {list(c_values)}")
    _check_classes(classes, num_classes)
    chosen = shards[0].device if device is None else torch.device(device)
    rows = max(1, _MEMORY // (8 * (shards[0].shape[1] + 2 * num_classes)))
    _check_finite(shards, rows, chosen)
    if solver == "auto":
        small = sum(shard.numel() for shard in shards) <= _SMALL
        solver = "sklearn" if small and chosen.type == "cpu" else "torch"
    problem = _Problem(shards, classes.to(chosen), num_classes, rows, chosen)
    path = _sklearn_path if solver == "sklearn" else _torch_path
    return path(problem, sorted(c_values), max_iterations, tolerance)


@dataclass(frozen=True)
class _Problem:
    """What is fitted, and how it is read."""

    shards: tuple[Tensor, ...]
    labels: Tensor
    num_classes: int

    rows: int
    """Rows converted at a time."""

    device: torch.device

    @property
    def shape(self) -> tuple[int, int]:
        """Of the weights with the intercept as their last column."""
        return (1 if self.num_classes == 2 else self.num_classes), self.shards[0].shape[1] + 1

    def loss_and_gradient(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the mean cross-entropy and its gradient at parameters of ``shape``."""
        weight, intercept = parameters[:, :-1], parameters[:, -1]
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        gradient = torch.zeros_like(parameters)
        first = 0
        for chunk in chunks_of(self.shards, self.rows, dtype=torch.float64, device=self.device):
            target = self.labels[first : first + len(chunk), None]
            first += len(chunk)
            logits = _with_reference(torch.addmm(intercept, chunk, weight.T))
            logits -= logits.amax(1, keepdim=True)
            picked = logits.gather(1, target)
            logits.exp_()
            partition = logits.sum(1, keepdim=True)
            total += (partition.log() - picked).sum()
            logits /= partition
            logits.scatter_add_(1, target, torch.full_like(picked, -1))
            of_logits = logits[:, self.num_classes - len(parameters) :]
            gradient[:, :-1].addmm_(of_logits.T, chunk)
            gradient[:, -1] += of_logits.sum(0)
        return total / first, gradient / first


def _torch_path(
    problem: _Problem, c_values: Sequence[float], max_iterations: int, tolerance: float
) -> Iterator[LogisticRegression]:
    from scipy.optimize import minimize  # noqa: PLC0415 (slow to import, and other heads do without)

    parameters = np.zeros(problem.shape).ravel()
    for c in c_values:
        penalty = 1 / (c * len(problem.labels))

        def objective(values: np.ndarray, penalty: float = penalty) -> tuple[float, np.ndarray]:
            at = torch.from_numpy(values).view(problem.shape).to(problem.device)
            loss, gradient = problem.loss_and_gradient(at)
            loss = loss + penalty / 2 * at[:, :-1].square().sum()
            gradient[:, :-1].add_(at[:, :-1], alpha=penalty)
            return float(loss), gradient.cpu().numpy().ravel()

        result = minimize(
            objective,
            parameters,
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": max_iterations,
                "maxls": _LINE_SEARCH_STEPS,
                "gtol": tolerance,
                "ftol": _RELATIVE_DECREASE,
            },
        )
        parameters = result.x
        fitted = torch.from_numpy(parameters.copy()).view(problem.shape).to(problem.device)
        yield LogisticRegression(
            c, fitted[:, :-1], fitted[:, -1], converged=bool(result.success), iterations=int(result.nit)
        )


def _sklearn_path(
    problem: _Problem, c_values: Sequence[float], max_iterations: int, tolerance: float
) -> Iterator[LogisticRegression]:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 (slow to import, and other heads do without)
    from sklearn.linear_model import LogisticRegression as SklearnRegression  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    rows = torch.cat([shard.cpu().double() for shard in problem.shards]).numpy()
    labels = problem.labels.cpu().numpy()
    regression = SklearnRegression(max_iter=max_iterations, tol=tolerance, warm_start=True)
    for c in c_values:
        regression.set_params(C=c)
        # One thread: products this small take no time, and threads that wait for each other on a busy machine take all.
        with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            regression.fit(rows, labels)
        failures = [warning for warning in caught if issubclass(warning.category, ConvergenceWarning)]
        for warning in caught:
            if warning not in failures:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        fitted = [torch.from_numpy(x.copy()).to(problem.device) for x in (regression.coef_, regression.intercept_)]
        yield LogisticRegression(c, *fitted, converged=not failures, iterations=int(regression.n_iter_.max()))


def _with_reference(logits: Tensor) -> Tensor:
    """Gives the first of two classes, which has no weights, its logit 0."""
    return F.pad(logits, (1, 0)) if logits.shape[1] == 1 else logits


def _check_classes(labels: Tensor, num_classes: int) -> None:
    if num_classes < 2:
        raise ValueError(f"logistic regression needs 2 or more classes, received {num_classes}")
    if int(labels.max()) >= num_classes:
        raise ValueError(f"labels must lie in [0, {num_classes}), found {int(labels.max())}")
    absent = (torch.bincount(labels, minlength=num_classes) == 0).nonzero().flatten().tolist()
    if absent:
        raise ValueError(
            f"every class needs a training row; {len(absent)} of {num_classes} have none, the first is {absent[0]}"
        )


def _check_finite(shards: tuple[Tensor, ...], rows: int, device: torch.device) -> None:
    first = 0
    for chunk in chunks_of(shards, rows, dtype=torch.float64, device=device):
        finite = chunk.isfinite().all(1)
        if not finite.all():
            row = first + int(finite.logical_not().nonzero()[0])
            raise ValueError(f"features: row {row} is not finite")
        first += len(chunk)
