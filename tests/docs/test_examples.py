"""The Python of README, CONTRIBUTING and ``docs/`` compiles, and that of ``docs/python.md`` runs as printed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from documents import PAGES, ROOT, Block, blocks

from benchmark.records.store import RecordStore

_PYTHON = [block for page in PAGES for block in blocks(page) if block.language == "python"]
_EXAMPLES = [block for block in _PYTHON if block.page == ROOT / "docs" / "python.md"]


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    checkpoint: Path,
    mini_data: Path,
    make_record: Callable[..., Any],
) -> Path:
    """What a reader of the page has before them: weights, data, results, and the packages that the page brings in."""
    checkpoint.rename(tmp_path / "my_vit.pth")
    (tmp_path / "my_vit.onnx").write_bytes(b"a graph and its weights")
    (tmp_path / "my_data").symlink_to(mini_data)
    store = RecordStore(tmp_path / "results")
    store.ensure_writable()
    for number, value in enumerate((40.0, 50.0)):
        store.add(
            make_record(
                id=f"20260101T000000-voc2012-{number}",
                benchmark="voc2012",
                metrics={"miou": value},
                primary={"value": value},
            ),
            None,
        )
    monkeypatch.setitem(sys.modules, "onnxruntime", _onnxruntime())
    monkeypatch.setitem(sys.modules, "lightning", _module("lightning", Callback=object))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _onnxruntime() -> ModuleType:
    """Stands in for onnxruntime, as far as the page uses it: the means of patches of 16 pixels, [CLS] first."""

    class InferenceSession:
        def __init__(self, graph: bytes) -> None:
            self.graph = graph

        def get_inputs(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="images")]

        def run(self, names: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
            images = given["images"]
            assert images.shape[1:] == (3, 224, 224)
            patches = images.reshape(-1, 3, 14, 16, 14, 16).mean((3, 5)).reshape(len(images), 3, 196).transpose(0, 2, 1)
            return [np.concatenate((patches.mean(1, keepdims=True), patches), axis=1)]

    return _module("onnxruntime", InferenceSession=InferenceSession)


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)  # torch asks for it
    vars(module).update(members)
    return module


@pytest.mark.parametrize("block", _PYTHON, ids=lambda block: block.where)
def test_every_block_of_python_compiles(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", _EXAMPLES, ids=lambda block: block.where)
def test_the_examples_of_the_page_run_as_printed(block: Block, desk: Path) -> None:
    _executed(block)


def test_the_loop_is_watched_and_goes_on_in_training_mode(desk: Path) -> None:
    seen = _executed(_with("optimizer.step()"))
    assert seen["vit"].training
    assert all(parameter.requires_grad for parameter in seen["vit"].parameters())
    names = {record.model.name for record in _records(desk / "results") if record.benchmark == "imagenet-knn"}
    assert names == {"my run@1", "my run@2"}


def test_a_callback_logs_a_score_at_its_steps_only(desk: Path) -> None:
    from benchmark.backbones import build_vit

    seen = _executed(_with("lightning.Callback"))
    watch = seen["DenseBench"](["imagenet-knn"], every=2, data_root="my_data", protocol="mini")
    logged: dict[str, float] = {}
    module = SimpleNamespace(
        backbone=build_vit("tiny", image_size=112, seed=0), log=lambda name, value, **_: logged.update({name: value})
    )
    trainer = SimpleNamespace(global_step=1, is_global_zero=True)
    watch.on_train_batch_end(trainer, module, None, None, 0)
    assert not logged
    trainer.global_step = 2
    watch.on_train_batch_end(trainer, module, None, None, 1)
    assert list(logged) == ["densebench/imagenet-knn"]
    assert 0 <= logged["densebench/imagenet-knn"] <= 100


def _with(text: str) -> Block:
    [block] = [block for block in _EXAMPLES if text in block.text]
    return block


def _executed(block: Block) -> dict[str, Any]:
    """Runs a block as a script of its own; returns what it leaves."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block.text, block.where, "exec"), names)  # noqa: S102
    return names


def _records(results: Path) -> list[Any]:
    from benchmark.report.collect import collect

    return list(collect(results, print).records)
