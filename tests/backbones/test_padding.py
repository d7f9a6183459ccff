"""Centre padding."""

from __future__ import annotations

import torch

from benchmark.backbones import center_pad


def test_512_pixels_become_518_with_three_on_each_side() -> None:
    padded = center_pad(torch.ones(1, 3, 512, 512), 14)
    assert padded.shape == (1, 3, 518, 518)
    assert padded[0, 0, 3:515, 3:515].all()
    assert padded.sum() == 3 * 512 * 512


def test_the_odd_pixel_goes_right_and_below() -> None:
    padded = center_pad(torch.ones(1, 1, 13, 11), 14)
    assert padded.shape == (1, 1, 14, 14)
    assert padded[0, 0, 0].any()
    assert not padded[0, 0, -1].any()
    assert not padded[0, 0, :, 0].any()
    assert not padded[0, 0, :, -2:].any()


def test_whole_patches_are_left_alone() -> None:
    images = torch.randn(2, 3, 28, 42)
    assert torch.equal(center_pad(images, 14), images)
