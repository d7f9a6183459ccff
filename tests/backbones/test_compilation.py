"""torch.compile where it works, and a loud word where it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.backbones.compilation import compile_backbone


def test_a_compiled_backbone_gives_the_same_tokens(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the eager compiler backend, which needs no C++ compiler, and shapes it has not seen."""
    _with_backend(monkeypatch, "eager")
    plain, fast = load_backbone(checkpoint), load_backbone(checkpoint)
    assert compile_backbone(fast)
    images = torch.randn(2, 3, 42, 70)
    torch.testing.assert_close(fast.tokens(images)[0].patches, plain.tokens(images)[0].patches)
    assert fast.source.notes[-1] == "compiled with torch.compile"


def test_a_failing_compiler_is_named_and_the_backbone_runs_without(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_graph: Any, _examples: Any) -> Callable:
        raise RuntimeError("no C++ compiler\nand more")

    _with_backend(monkeypatch, broken)
    plain, backbone = load_backbone(checkpoint), load_backbone(checkpoint)
    assert not compile_backbone(backbone)
    assert "torch.compile failed, the backbone runs uncompiled" in capsys.readouterr().err
    assert backbone.source.notes[-1].startswith("torch.compile failed")
    images = torch.randn(1, 3, 42, 42)
    assert torch.equal(backbone.tokens(images)[0].cls, plain.tokens(images)[0].cls)


def _with_backend(monkeypatch: pytest.MonkeyPatch, backend: Any) -> None:
    compile_it = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda module, **given: compile_it(module, backend=backend, **given)
    )
