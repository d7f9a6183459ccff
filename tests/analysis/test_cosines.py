"""The two cosines of arXiv 2602.08626."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from benchmark.analysis.cosines import token_cosines


def test_equal_the_means_over_all_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    cls, patches = torch.randn(3, 8, generator=generator), torch.randn(3, 20, 8, generator=generator) + 0.5
    exact = patches.double()
    pairs = F.cosine_similarity(exact[:, :, None], exact[:, None], dim=-1)
    apart = ~torch.eye(20, dtype=torch.bool)
    cls_patch, patch_patch = token_cosines(cls, patches)
    expected = F.cosine_similarity(cls.double()[:, None], exact, dim=-1).mean(1)
    torch.testing.assert_close(cls_patch, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(
        patch_patch, torch.stack([cosines[apart].mean() for cosines in pairs]), rtol=0, atol=1e-6
    )


def test_two_opposite_patches_have_a_cosine_of_minus_one() -> None:
    patches = torch.tensor([[[3.0, 0.0], [-0.1, 0.0]]])
    cls_patch, patch_patch = token_cosines(torch.tensor([[1.0, 0.0]]), patches)
    assert cls_patch.item() == pytest.approx(0, abs=1e-7)
    assert patch_patch.item() == pytest.approx(-1)


def test_a_token_of_zeros_is_like_nothing() -> None:
    cls_patch, patch_patch = token_cosines(torch.zeros(1, 2), torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]))
    assert cls_patch.item() == 0
    assert patch_patch.item() == pytest.approx(1 / 3)  # one pair of three is alike
    assert token_cosines(torch.ones(1, 2), torch.zeros(1, 4, 2))[1].item() == 0
