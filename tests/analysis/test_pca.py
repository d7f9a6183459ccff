"""Principal components as colours: the rule that makes two maps comparable."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.decomposition import PCA

from benchmark.analysis.pca import align_signs, principal_maps, to_rgb

_GRID = (6, 8)


def _patches(seed: int = 0, width: int = 16) -> torch.Tensor:
    scales = torch.linspace(3, 0.1, width)
    return torch.randn(48, width, generator=torch.Generator().manual_seed(seed)) * scales + 5


def test_components_are_those_of_scikit_learn_up_to_their_sign() -> None:
    scores = PCA(3).fit_transform(_patches().double().numpy())
    maps = principal_maps(_patches(), _GRID).reshape(48, 3)
    np.testing.assert_allclose(abs(maps), abs(scores / scores.std(0)), atol=1e-9)


def test_components_increase_towards_the_centre_whatever_the_sign_of_the_tokens() -> None:
    maps, mirrored = principal_maps(_patches(), _GRID), principal_maps(-_patches(), _GRID)
    np.testing.assert_allclose(maps, mirrored, atol=1e-9)
    rows, columns = np.meshgrid(np.linspace(-1, 1, 6) * 2.5 / 3, np.linspace(-1, 1, 8) * 3.5 / 4, indexing="ij")
    nearness = -(rows**2 + columns**2)
    assert ((maps * (nearness - nearness.mean())[..., None]).sum((0, 1)) >= 0).all()


def test_a_rotation_of_the_tokens_changes_no_colour() -> None:
    rotation, _ = torch.linalg.qr(torch.randn(16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    rotated = principal_maps(3 * _patches().double() @ rotation, _GRID)
    np.testing.assert_allclose(to_rgb(rotated), to_rgb(principal_maps(_patches(), _GRID)), atol=1e-6)


def test_signs_are_aligned_with_a_reference_also_on_another_grid() -> None:
    reference = principal_maps(_patches(), _GRID)
    flipped = reference * np.array([-1.0, 1.0, -1.0])
    np.testing.assert_array_equal(align_signs(flipped, reference), reference)
    fine = flipped.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(align_signs(fine, reference), reference.repeat(2, 0).repeat(2, 1))


def test_a_channel_spans_two_standard_deviations_either_way() -> None:
    np.testing.assert_allclose(to_rgb(np.array([-3.0, -2.0, -1.0, 0.0, 2.0])), [0, 0, 0.25, 0.5, 1])


def test_patches_without_three_components_leave_the_others_grey() -> None:
    maps = principal_maps(torch.tensor([[1.0, 0.0], [2.0, 0.0]]), (1, 2))
    assert abs(maps[..., 0]).max() > 0
    assert (to_rgb(maps)[..., 1:] == 0.5).all()
    assert (to_rgb(principal_maps(torch.ones(4, 8) * 0.3, (2, 2))) == 0.5).all()
