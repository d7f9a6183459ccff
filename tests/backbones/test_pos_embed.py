"""Interpolated position embeddings against a bicubic written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from benchmark.backbones.pos_embed import has_cls_row, interpolate_pos_embed, with_cls_row
from benchmark.backbones.spec import PositionInterpolation
from benchmark.errors import StructureError

_WITHOUT_REGISTERS = PositionInterpolation(0.1, antialias=False)
_WITH_REGISTERS = PositionInterpolation(0.0, antialias=True)


def _cubic(x: float, a: float = -0.75) -> float:
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def _axis(size_in: int, size_out: int, scale: float) -> np.ndarray:
    """Weights of one axis for a given scale factor; border samples are repeated."""
    weights = np.zeros((size_out, size_in))
    for i in range(size_out):
        centre = (i + 0.5) / scale - 0.5
        for tap in range(math.floor(centre) - 1, math.floor(centre) + 3):
            weights[i, min(max(tap, 0), size_in - 1)] += _cubic(centre - tap)
    return weights


@pytest.mark.parametrize("grid", [(6, 6), (3, 5), (4, 9)])
def test_models_without_registers_scale_by_size_plus_a_tenth(grid: tuple[int, int]) -> None:
    pos_embed = torch.randn(1, 17, 2, generator=torch.Generator().manual_seed(0))
    ours = interpolate_pos_embed(pos_embed, grid, _WITHOUT_REGISTERS)
    rows, columns = (_axis(4, size, (size + 0.1) / 4) for size in grid)
    patches = pos_embed[0, 1:].view(4, 4, 2).double().numpy()
    expected = np.einsum("yi,xj,ijd->yxd", rows, columns, patches).reshape(-1, 2)
    np.testing.assert_allclose(ours[0, 1:].numpy(), expected, atol=1e-5)
    assert torch.equal(ours[:, 0], pos_embed[:, 0])


def test_height_takes_the_first_scale() -> None:
    ramp = torch.arange(4.0).view(4, 1).expand(4, 4).reshape(1, 16, 1)  # grows along rows only
    ours = interpolate_pos_embed(torch.cat((torch.zeros(1, 1, 1), ramp), 1), (8, 2), _WITHOUT_REGISTERS)
    grid = ours[0, 1:, 0].view(8, 2)
    assert torch.allclose(grid[:, 0], grid[:, 1])
    assert grid[0, 0] < grid[-1, 0]


def test_the_training_grid_is_not_touched() -> None:
    pos_embed = torch.randn(1, 17, 2)
    assert interpolate_pos_embed(pos_embed, (4, 4), _WITHOUT_REGISTERS) is pos_embed


def test_equal_token_count_of_another_shape_is_interpolated() -> None:
    pos_embed = torch.randn(1, 17, 2)
    assert not torch.equal(interpolate_pos_embed(pos_embed, (2, 8), _WITH_REGISTERS), pos_embed)


def test_register_models_antialias_when_the_grid_shrinks() -> None:
    checker = torch.tensor([[1.0, -1.0] * 4, [-1.0, 1.0] * 4] * 4).view(1, 64, 1)
    pos_embed = torch.cat((torch.zeros(1, 1, 1), checker), 1)
    smooth = interpolate_pos_embed(pos_embed, (3, 3), _WITH_REGISTERS)[0, 1:].abs().max()
    aliased = interpolate_pos_embed(pos_embed, (3, 3), PositionInterpolation(0.0, antialias=False))[0, 1:].abs().max()
    assert smooth < 0.2 < aliased


def test_an_offset_that_misses_the_grid_is_refused() -> None:
    with pytest.raises(StructureError, match="interpolate_offset=0"):
        interpolate_pos_embed(torch.randn(1, 17, 2), (5, 5), PositionInterpolation(1.5, antialias=False))


@pytest.mark.parametrize(("rows", "has"), [(225, False), (226, True), (224, True), (4, False), (5, True)])
def test_without_a_grid_the_count_tells_whether_cls_has_a_row(rows: int, has: bool) -> None:
    assert has_cls_row(torch.zeros(1, rows, 2)) == has


@pytest.mark.parametrize(("grid", "has"), [((15, 15), False), ((14, 16), True), ((16, 14), True), ((8, 28), True)])
def test_a_grid_that_is_told_decides_where_the_count_has_two_readings(grid: tuple[int, int], has: bool) -> None:
    """225 positions are 15 x 15, and those of [CLS] and 14 x 16."""
    pos_embed = torch.randn(1, 225, 2)
    found, notes = with_cls_row(pos_embed, grid, plain=True)
    assert has_cls_row(pos_embed, grid) == has
    assert notes == ()
    assert torch.equal(found[:, -225:], pos_embed)
    assert found.shape[1] == 1 + math.prod(grid)


def test_a_count_with_two_readings_is_said_and_with_names_that_tell_nothing_refused() -> None:
    pos_embed = torch.randn(1, 225, 2)
    found, [note] = with_cls_row(pos_embed, plain=False)
    assert found.shape[1] == 226
    assert note.startswith("pos_embed is read as 15 x 15 patches and none of [CLS]")
    with pytest.raises(StructureError, match=r"225 rows: .* 15 x 15 .* or of \[CLS\] and 224 .*image_size"):
        with_cls_row(pos_embed, plain=True)
    assert with_cls_row(torch.randn(1, 226, 2), plain=True)[1] == ()
