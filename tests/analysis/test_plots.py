"""How figures look, what they show, and how they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes

from benchmark.analysis.block_points import SUB_LAYERS
from benchmark.analysis.measure import TokenStatistics, measure
from benchmark.analysis.pca import to_rgb
from benchmark.analysis.plots.attention import attention_by_block, attention_maps
from benchmark.analysis.plots.cosines import after_norms, before_after, norm1_by_block
from benchmark.analysis.plots.dimensions import largest_dimensions
from benchmark.analysis.plots.maps import principal_colours
from benchmark.analysis.plots.norms import token_norms
from benchmark.analysis.plots.saving import save_figure
from benchmark.analysis.plots.style import FAINT, PALETTE, colours, new_figure, style, wrapped
from benchmark.analysis.tables import COSINES, shown_dimensions, tidy


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with style():
            figure, [[axes]] = new_figure(1.0)
            axes.plot([0, 1])
            save_figure(figure, tmp_path / name, (".png", ".svg"))
    for suffix in (".png", ".svg"):
        one, two = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("one", "two"))
        assert one == two


def test_every_checkpoint_has_a_colour_of_its_own() -> None:
    by_name = colours("abcdef")
    assert list(by_name) == list("abcdef")
    assert len(set(by_name.values())) == 6
    assert set(by_name.values()) <= set(PALETTE)


def test_a_title_wider_than_its_panel_is_broken_also_without_spaces() -> None:
    lines = wrapped("a_checkpoint_with_a_name_that_is_long", 1.0).split("\n")
    assert "".join(lines) == "a_checkpoint_with_a_name_that_is_long"
    assert max(map(len, lines)) <= 13
    assert wrapped("short", 1.0) == "short"


_PICTURES = list(np.random.default_rng(0).integers(0, 256, (2, 56, 56, 3), np.uint8))


@pytest.fixture(scope="module")
def measured(make_vit: Callable) -> dict[str, TokenStatistics]:
    """Two models of one shape."""
    return {
        name: measure(make_vit(seed=seed), [_PICTURES], device=torch.device("cpu"), shown=2)
        for seed, name in enumerate(("one", "two"))
    }


def _lines(axes: Axes, points: int) -> list[np.ndarray]:
    """Returns the heights of the lines of so many points that are not the line at 0."""
    return [
        np.asarray(line.get_ydata(), float)
        for line in axes.lines
        if len(line.get_xdata()) == points and line.get_color() != FAINT
    ]


def test_each_layer_is_drawn_from_before_to_after(measured: dict[str, TokenStatistics]) -> None:
    for axes, statistic in zip(before_after(measured).axes, COSINES, strict=True):
        expected = [
            [model.by_point[point, statistic].mean[-1] for point in (layer.before, layer.after)]
            for model in measured.values()
            for layer in SUB_LAYERS
        ]
        np.testing.assert_allclose(_lines(axes, 2), expected)


def test_bars_and_lines_by_block_are_what_was_measured(measured: dict[str, TokenStatistics]) -> None:
    for bars, blocks, statistic in zip(after_norms(measured).axes, norm1_by_block(measured).axes, COSINES, strict=True):
        heights = [
            model.by_point[point, statistic].mean[-1]
            for model in measured.values()
            for point in ("norm1", "ls1", "norm2", "ls2")
        ]
        np.testing.assert_allclose([bar.get_height() for bar in bars.patches], heights)
        lines = [
            model.by_point[point, statistic].mean[:-1] for model in measured.values() for point in ("input", "norm1")
        ]
        np.testing.assert_allclose(_lines(blocks, 3), lines)
    shares = [100 * model.by_point["attn", "cls_attention_to_patches"].mean[:-1] for model in measured.values()]
    np.testing.assert_allclose(_lines(attention_by_block(measured).axes[0], 3), shares)


def test_outliers_begin_at_four_medians_and_patches_sum_to_100(
    measured: dict[str, TokenStatistics],
) -> None:
    histogram, growth = token_norms(measured).axes
    limits = [line.get_xdata()[0] for line in histogram.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(limits, [4 * model.norms.median for model in measured.values()])
    assert [step.get_data().values.sum() for step in histogram.patches] == [pytest.approx(100)] * 2
    statistics = ("patch_norm", "largest_patch_norm", "cls_norm")
    lines = [model.by_point["output", name].mean[:-1] for model in measured.values() for name in statistics]
    np.testing.assert_allclose(_lines(growth, 3), lines)


def test_dimensions_show_cls_above_the_patches_of_largest_norm(measured: dict[str, TokenStatistics]) -> None:
    panels = [axes.images[0].get_array() for axes in largest_dimensions(measured).axes if axes.images]
    expected = [magnitudes for model in measured.values() for magnitudes in model.magnitudes.values()]
    for panel, magnitudes in zip(panels, expected, strict=True):
        shown = shown_dimensions(magnitudes)
        assert {int(magnitudes.cls.mean.argmax()), int(magnitudes.patches.mean.mean(0).argmax())} <= set(shown)
        np.testing.assert_allclose(panel, np.vstack((magnitudes.cls.mean, magnitudes.patches.mean))[:, shown])


def test_maps_stand_beside_the_picture_and_have_the_signs_of_the_first(measured: dict[str, TokenStatistics]) -> None:
    first = measured["one"]
    flipped = replace(first, maps=tuple(replace(maps, principal=-maps.principal) for maps in first.maps))
    tiles = [axes.images[0].get_array() for axes in principal_colours({"one": first, "two": flipped}, _PICTURES).axes]
    for picture, (shown, one, two), maps in zip(_PICTURES, (tiles[:3], tiles[3:]), first.maps, strict=True):
        np.testing.assert_array_equal(shown, picture[..., ::-1])
        np.testing.assert_array_equal(one, to_rgb(maps.principal))
        np.testing.assert_array_equal(two, one)
    tiles = [axes.images[0].get_array() for axes in attention_maps({"one": first}, _PICTURES).axes[:4]]
    np.testing.assert_array_equal(tiles[1], first.maps[0].attention)
    np.testing.assert_array_equal(tiles[3], first.maps[1].attention)


def test_the_table_holds_means_deviations_and_the_number_of_images(measured: dict[str, TokenStatistics]) -> None:
    frame = tidy(measured).query("checkpoint == 'two' and place == 'ls1' and statistic == 'cls_patch'")
    stats = measured["two"].by_point["ls1", "cls_patch"]
    assert list(frame.block) == ["0", "1", "2", "mean"]
    np.testing.assert_array_equal(frame[["mean", "std"]], np.stack((stats.mean, stats.std), axis=1))
    assert set(frame.n) == {len(_PICTURES)}
