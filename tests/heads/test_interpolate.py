"""The matrix of a bilinear resize."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from heads.interpolate import bilinear_matrix


@pytest.mark.parametrize(("size_in", "size_out"), [(37, 512), (5, 5), (7, 3), (1, 9)])
def test_it_equals_interpolate(size_in: int, size_out: int) -> None:
    x = torch.randn(1, 2, size_in, 1, dtype=torch.float64)
    expected = F.interpolate(x, size=(size_out, 1), mode="bilinear", align_corners=False)
    matrix = bilinear_matrix(size_in, size_out, dtype=torch.float64)
    torch.testing.assert_close(matrix @ x, expected)


def test_every_output_has_at_most_two_neighbours_that_sum_to_one() -> None:
    matrix = bilinear_matrix(37, 512)
    assert (matrix != 0).sum(1).max() == 2
    torch.testing.assert_close(matrix.sum(1), torch.ones(512))
