"""The raw-colour baseline."""

from __future__ import annotations

import pytest
import torch

from benchmark.backbones import load_backbone
from benchmark.errors import CheckpointError, InputSizeError


def test_each_token_is_its_patch() -> None:
    backbone = load_backbone("pixels")
    images = torch.randn(2, 3, 28, 42)
    [tokens] = backbone.tokens(images)
    assert tokens.grid == (2, 3)
    expected = images[:, :, 14:28, 28:42].flatten(1)  # row 1, column 2
    assert torch.equal(tokens.patches[:, 5], expected)
    assert torch.allclose(tokens.cls, tokens.patches.mean(1))
    assert tokens.registers.shape == (2, 0, 588)


def test_it_has_an_identity_of_its_own() -> None:
    source = load_backbone("pixels").source
    assert source.layout == "baseline"
    assert len(source.sha256) == 64


def test_it_takes_mean_and_std_and_nothing_else() -> None:
    assert load_backbone("pixels", mean=(0.5, 0.5, 0.5)).spec.preprocessing.mean == (0.5, 0.5, 0.5)
    with pytest.raises(CheckpointError, match="interpolate_antialias only, not num_heads"):
        load_backbone("pixels", num_heads=3)


def test_rules_of_positions_change_nothing() -> None:
    """A protocol that asks for timm's way of resizing them can score the baseline too."""
    given = load_backbone("pixels", interpolate_offset=0.0, interpolate_antialias=True)
    assert given.source.sha256 == load_backbone("pixels").source.sha256


def test_partial_patches_are_refused() -> None:
    with pytest.raises(InputSizeError):
        load_backbone("pixels").tokens(torch.zeros(1, 3, 20, 28))
