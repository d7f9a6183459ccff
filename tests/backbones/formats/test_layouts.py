"""Every layout against transformers: the same weights must give the same tokens, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchmark.backbones import load_backbone

if TYPE_CHECKING:
    from tests.backbones.conftest import LayoutCase

_TOLERANCE = 1e-5
# In patches: the training size, a larger square, no square, and no square of the training size's token count.
_GRIDS = {"training size": (4, 4), "larger": (6, 6), "not square": (5, 7), "same count": (2, 8)}


@pytest.mark.parametrize("grid", _GRIDS.values(), ids=_GRIDS)
def test_tokens_of_every_layer_equal_the_reference(layout_case: LayoutCase, grid: tuple[int, int]) -> None:
    backbone: Any = load_backbone(layout_case.path, **layout_case.options)
    sides = (layout_case.patch_size * side for side in grid)
    images = torch.randn(2, 3, *sides, generator=torch.Generator().manual_seed(1))
    expected = layout_case.reference_layers(images)
    assert backbone.spec.depth == len(expected) == 3
    for norm in (True, False):
        found = backbone.tokens(images, layers=range(3), norm=norm)
        for tokens, plain in zip(found, expected, strict=True):
            sequence = layout_case.reference_norm(plain) if norm else plain
            ours = torch.cat((tokens.cls[:, None], tokens.registers, tokens.patches), dim=1)
            assert tokens.registers.shape[1] == layout_case.registers
            assert tokens.grid == grid
            torch.testing.assert_close(ours, sequence, atol=_TOLERANCE, rtol=_TOLERANCE)


def test_the_layout_is_recognised_and_every_key_accounted_for(layout_case: LayoutCase) -> None:
    from benchmark.backbones.weight_files import read_checkpoint
    from benchmark.backbones.wrappers import unwrap

    backbone: Any = load_backbone(layout_case.path, **layout_case.options)
    assert backbone.source.layout == layout_case.layout
    contents, beside = unwrap(read_checkpoint(layout_case.path))
    dropped = dict(backbone.source.dropped)
    assert dropped.keys() <= contents.state.keys() | dict(beside).keys()
    assert all(dropped.values())


def test_the_architecture_is_read_from_the_file(layout_case: LayoutCase) -> None:
    spec: Any = load_backbone(layout_case.path, **layout_case.options).spec
    assert spec.embed_dim == 128
    assert spec.patch_size == layout_case.patch_size
    assert spec.num_registers == layout_case.registers
    assert spec.num_heads == layout_case.reference.config.num_attention_heads
    assert spec.norm_eps == layout_case.reference.config.layer_norm_eps
    assert spec.specialization == "none"
