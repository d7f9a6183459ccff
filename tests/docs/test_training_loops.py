"""The examples in ``docs/examples`` run."""

from __future__ import annotations

import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from benchmark import load_results
from benchmark.backbones import build_vit

_EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENSEBENCH_CACHE", str(tmp_path / "cache"))


def test_the_plain_loop_gives_a_curve_and_trains_as_it_would_alone(
    mini_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = runpy.run_path(str(_EXAMPLES / "plain_loop.py"))

    def losses(every: int) -> list[float]:
        torch.manual_seed(0)
        vit = build_vit("Ti", image_size=56, seed=0, drop_path=0.2)
        return example["train"](
            vit,
            example["toy_batches"](4),
            every=every,
            benchmarks=["nyu", "imagenet-knn"],
            data_root=mini_data,
            results=tmp_path / "results",
            protocol="mini",
            overrides=["train.iterations=2", "train.batch_size=2", "probes.lr=[1e-3]"],
        )

    assert losses(2) == losses(100)
    curve = example["curve"](tmp_path / "results")
    assert curve.index.tolist() == [2, 4]
    assert curve.columns.tolist() == ["imagenet-knn", "nyu"]
    assert not curve.isna().to_numpy().any()
    assert "toy@4" in capsys.readouterr().out


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The example's callback on top of a stand-in for Lightning's base class, which is not installed."""
    callbacks = types.ModuleType("lightning.pytorch.callbacks")
    callbacks.Callback = type("Callback", (), {})
    for name in ("lightning", "lightning.pytorch"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, callbacks.__name__, callbacks)
    return runpy.run_path(str(_EXAMPLES / "lightning_callback.py"))["EvaluateEvery"]


class _Trainer(SimpleNamespace):
    """What the callback asks of Lightning's Trainer."""

    def __init__(self, *, leads: bool = True) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.waited = 0
        super().__init__(
            global_step=0,
            is_global_zero=leads,
            loggers=[SimpleNamespace(log_metrics=lambda scores, step: self.logged.append((step, scores)))],
            strategy=SimpleNamespace(barrier=self._wait),
        )

    def _wait(self) -> None:
        self.waited += 1


def _fit(trainer: _Trainer, callback: Any, backbone: nn.Module) -> None:
    """Two batches make a step, as with accumulated gradients."""
    for batch in range(8):
        trainer.global_step = (batch + 1) // 2
        callback.on_train_batch_end(trainer, SimpleNamespace(backbone=backbone), None, None, batch)


def test_the_lightning_callback_logs_scores_at_its_steps(callback: Callable, mini_data: Path, tmp_path: Path) -> None:
    trainer, vit = _Trainer(), build_vit("Ti", image_size=56, seed=0).train()
    given = {"data_root": mini_data, "results": tmp_path / "results", "protocol": "mini"}
    _fit(trainer, callback(4, ["imagenet-knn"], **given), vit)
    assert [(step, list(scores)) for step, scores in trainer.logged] == [(4, ["imagenet_knn_top1"])]
    assert trainer.waited == 1
    assert load_results(tmp_path / "results")["step"].tolist() == [4]
    assert all(module.training for module in vit.modules())


def test_the_lightning_callback_waits_where_it_does_not_lead(callback: Callable, tmp_path: Path) -> None:
    trainer = _Trainer(leads=False)
    _fit(trainer, callback(2, ["imagenet-knn"], data_root=tmp_path), nn.Identity())
    assert (trainer.logged, trainer.waited) == ([], 2)


def test_the_lightning_callback_lets_a_training_go_on_where_a_benchmark_fails(
    callback: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, vit = _Trainer(), build_vit("Ti", image_size=56, seed=0)
    _fit(trainer, callback(4, ["imagenet-knn"], data_root=tmp_path), vit)
    assert trainer.logged == [(4, {})]
    assert "1 of 1 benchmarks failed: imagenet-knn" in capsys.readouterr().out
