"""Rotary positions against the definition, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from benchmark.backbones.rotary import RotaryEmbedding, rotary_periods, rotate


def test_channels_turn_by_the_centre_of_their_patch() -> None:
    """Channel i and i + d/2 turn together; the first quarter of d by rows, the second by columns."""
    width, grid, prefix = 16, (3, 5), 2
    heads = torch.randn(1, 1, prefix + 15, width, generator=torch.Generator().manual_seed(0))
    turned = rotate(heads, *RotaryEmbedding(width, torch.float32)(grid, prefix))
    assert torch.equal(turned[:, :, :prefix], heads[:, :, :prefix])
    for row in range(grid[0]):
        for column in range(grid[1]):
            token = prefix + row * grid[1] + column
            centre = (2 * (row + 0.5) / grid[0] - 1, 2 * (column + 0.5) / grid[1] - 1)
            for channel in range(width // 2):
                axis, number = divmod(channel, width // 4)
                angle = 2 * math.pi * centre[axis] / 100 ** (2 * number / (width // 2))
                first, second = heads[0, 0, token, channel], heads[0, 0, token, channel + width // 2]
                expected = complex(first, second) * complex(math.cos(angle), math.sin(angle))
                assert turned[0, 0, token, channel] == pytest.approx(expected.real, abs=1e-5)
                assert turned[0, 0, token, channel + width // 2] == pytest.approx(expected.imag, abs=1e-5)


def test_periods_grow_from_one_to_below_the_base() -> None:
    periods = rotary_periods(64)
    assert periods.shape == (16,)
    assert periods[0] == 1
    assert periods[-1] == pytest.approx(100 ** (15 / 16))


def test_a_lower_precision_rounds_the_rotation_and_keeps_the_dtype() -> None:
    heads = torch.randn(1, 2, 12, 16, generator=torch.Generator().manual_seed(0))
    exact, rough = (rotate(heads, *RotaryEmbedding(16, dtype)((3, 4), 0)) for dtype in (torch.float32, torch.bfloat16))
    assert rough.dtype == torch.float32
    assert 1e-4 < (exact - rough).abs().max() < 0.1


def test_any_grid_is_served_by_the_same_weights(make_vit: Callable) -> None:
    vit = make_vit(position_interpolation=None, grid_size=None, rope_dtype="float32", num_registers=1)
    assert vit.pos_embed is None
    for sides in ((28, 28), (28, 70)):
        [tokens] = vit.tokens(torch.randn(1, 3, *sides))
        assert tokens.patches.shape[1] == sides[0] * sides[1] // 14**2
