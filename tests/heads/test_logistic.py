"""Logistic regression: our solver and scikit-learn's against each other and against the optimality condition."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as SklearnRegression
from torch import Tensor
from torch.nn import functional as F

from heads import LogisticRegression, logistic_regression_path
from heads import logistic as logistic_module

WIDTH = 8


def _data(classes: int, rows: int = 240) -> tuple[Tensor, Tensor]:
    """Overlapping clouds of points, some nearer than others, so that no C separates them."""
    generator = torch.Generator().manual_seed(classes)
    labels = torch.arange(rows) % classes
    centres = torch.randn(classes, WIDTH, generator=generator)
    return centres[labels] + torch.randn(rows, WIDTH, generator=generator), labels


def _models(features: Tensor, labels: Tensor, c_values: list[float], **options: object) -> list[LogisticRegression]:
    return list(logistic_regression_path(features, labels, c_values, num_classes=int(labels.max()) + 1, **options))


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("c", [1e-4, 1.0, 1e4])
def test_both_solvers_equal_scikit_learn(classes: int, c: float) -> None:
    features, labels = _data(classes)
    reference = SklearnRegression(C=c, tol=1e-8, max_iter=5000).fit(features.double().numpy(), labels.numpy())
    held_out, _ = _data(classes, rows=classes + 1)
    expected = torch.from_numpy(reference.predict_log_proba(held_out.double().numpy()))
    for solver in ("torch", "sklearn"):
        [model] = _models(features, labels, [c], solver=solver, tolerance=1e-8)
        assert model.converged
        assert model.c == c
        np.testing.assert_allclose(model.weight, reference.coef_, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(model.scores(held_out).log_softmax(1), expected, rtol=1e-3, atol=1e-4)
        assert model.predict(held_out).tolist() == reference.predict(held_out.double().numpy()).tolist()


@pytest.mark.parametrize("classes", [2, 4])
def test_the_gradient_of_the_stated_objective_vanishes(classes: int) -> None:
    features, labels = _data(classes)
    [model] = _models(features, labels, [0.3], solver="torch")
    weight, intercept = (tensor.clone().requires_grad_() for tensor in (model.weight, model.intercept))
    logits = features.double() @ weight.T + intercept
    if classes == 2:
        logits = torch.cat((torch.zeros_like(logits), logits), dim=1)
    objective = weight.square().sum() / 2 + 0.3 * F.cross_entropy(logits, labels, reduction="sum")
    objective.backward()
    assert weight.grad.abs().max() < 1e-4
    assert intercept.grad.abs().max() < 1e-4


@pytest.mark.parametrize("solver", ["torch", "sklearn"])
def test_a_path_equals_its_models_fitted_alone(solver: str) -> None:
    features, labels = _data(3)
    path = _models(features, labels, [10.0, 0.01, 1.0], solver=solver, tolerance=1e-8)
    assert [model.c for model in path] == [0.01, 1.0, 10.0]
    for model in path:
        [alone] = _models(features, labels, [model.c], solver=solver, tolerance=1e-8)
        torch.testing.assert_close(model.weight, alone.weight, rtol=1e-3, atol=1e-4)


def test_models_are_fitted_as_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _data(3)
    evaluations = []
    loss_and_gradient = logistic_module._Problem.loss_and_gradient

    def counted(problem: object, parameters: Tensor) -> tuple[Tensor, Tensor]:
        evaluations.append(1)
        return loss_and_gradient(problem, parameters)

    monkeypatch.setattr(logistic_module._Problem, "loss_and_gradient", counted)
    path = logistic_regression_path(features, labels, [0.1, 1.0], num_classes=3, solver="torch")
    assert not evaluations
    first = next(path)
    weight, until_first = first.weight.clone(), len(evaluations)
    next(path)
    assert len(evaluations) > until_first > 0
    assert torch.equal(first.weight, weight)  # the next fit does not write into it


def test_chunks_shards_and_number_formats_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _data(3)
    halves = features.half()
    [expected] = _models(halves.double(), labels, [1.0], solver="torch", tolerance=1e-8)
    monkeypatch.setattr(logistic_module, "_MEMORY", 17 * 8 * (WIDTH + 6))
    [model] = _models(halves.split(50), labels, [1.0], solver="torch", tolerance=1e-8)
    torch.testing.assert_close(model.weight, expected.weight, rtol=1e-4, atol=1e-5)


def test_the_solver_follows_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _data(3)
    used = []
    for name in ("_torch_path", "_sklearn_path"):
        monkeypatch.setattr(logistic_module, name, lambda *_, name=name: iter([used.append(name)]))
    _models(features, labels, [1.0])
    monkeypatch.setattr(logistic_module, "_SMALL", features.numel() - 1)
    _models(features, labels, [1.0])
    assert used == ["_sklearn_path", "_torch_path"]


@pytest.mark.parametrize("solver", ["torch", "sklearn"])
def test_a_fit_that_runs_out_of_iterations_says_so_without_a_warning(solver: str) -> None:
    features, labels = _data(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [model] = _models(features, labels, [1.0], solver=solver, max_iterations=2)
    assert not model.converged
    assert model.iterations == 2


def test_classes_that_do_not_occur_among_the_queries_are_scored() -> None:
    features, labels = _data(5)
    [model] = _models(features, labels, [1.0])
    assert model.scores(features[labels == 2]).shape == (48, 5)


def test_wrong_input_is_refused_by_the_call() -> None:
    features, labels = _data(3)
    broken = features.clone()
    broken[101, 3] = math.nan
    for given, of_them, options, message in (
        (features, labels, {"num_classes": 4}, "1 of 4 have none, the first is 3"),
        (features, labels * 2, {"num_classes": 5}, "2 of 5 have none, the first is 1"),
        (features, labels, {"num_classes": 2}, r"\[0, 2\), found 2"),
        (features, labels * 0, {"num_classes": 1}, "2 or more classes"),
        (features, labels - 1, {"num_classes": 3}, "found -1"),
        (features, labels[1:], {"num_classes": 3}, r"integers \(240,\)"),
        (broken.split(50), labels, {"num_classes": 3}, "row 101 is not finite"),
        (features, labels, {"num_classes": 3, "solver": "newton"}, "solver must be"),
    ):
        with pytest.raises(ValueError, match=message):
            logistic_regression_path(given, of_them, [1.0], **options)
    for c_values in ([], [1.0, 0.0], [math.nan]):
        with pytest.raises(ValueError, match="C must be positive"):
            logistic_regression_path(features, labels, c_values, num_classes=3)
