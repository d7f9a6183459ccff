"""Evaluation crops against the numbers of their sources."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.metrics import depth_errors, evaluation_crop


def test_eigen_crop_is_fixed_whatever_the_size() -> None:
    for size in ((480, 640), (531, 681), (427, 561)):
        assert evaluation_crop("eigen", *size) == (slice(45, 471), slice(41, 601))


def test_garg_crop_of_kittis_bottom_crop() -> None:
    assert evaluation_crop("garg", 352, 1216) == (slice(143, 349), slice(43, 1172))


def test_garg_crop_scales_with_the_map() -> None:
    assert evaluation_crop("garg", 704, 2432) == (slice(287, 698), slice(87, 2344))


def test_none_scores_every_pixel() -> None:
    depth = np.zeros((7, 9))
    assert depth[evaluation_crop("none", 7, 9)].size == depth.size


def test_a_number_without_the_eigen_crop_is_another_number() -> None:  # trap 17
    target = np.ones((480, 640))
    prediction = target.copy()
    prediction[:45] = 3.0  # wrong only outside the crop
    crop = evaluation_crop("eigen", 480, 640)
    inside = np.zeros(target.shape, dtype=bool)
    inside[crop] = True
    assert inside.sum() == 426 * 560
    assert depth_errors(target, prediction, valid=inside)["rmse"] == 0
    everywhere = depth_errors(target, prediction, valid=np.ones_like(inside))["rmse"]
    assert everywhere == pytest.approx(2 * (45 / 480) ** 0.5)


def test_an_unknown_crop_lists_the_known() -> None:
    with pytest.raises(ValueError, match="no evaluation crop 'Eigen'; known: none, eigen, garg"):
        evaluation_crop("Eigen", 480, 640)


@pytest.mark.parametrize(("name", "size"), [("eigen", (45, 640)), ("eigen", (480, 41)), ("garg", (1, 1))])
def test_a_crop_without_a_pixel_is_refused(name: str, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{name}.*holds no pixel of a {size[0]} x {size[1]}"):
        evaluation_crop(name, *size)
