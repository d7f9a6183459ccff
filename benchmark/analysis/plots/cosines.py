"""Cosine similarities before and after the layers of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmark.analysis.block_points import SUB_LAYERS, SubLayer
from benchmark.analysis.measure import TokenStatistics
from benchmark.analysis.plots.style import INK, MARKERS, colours, legend, new_figure, zero_line
from benchmark.analysis.running_stats import RunningStats

_TITLES = {"cls_patch": "[CLS] with patches", "patch_patch": "patches with each other"}
_LABEL = "cosine similarity"
_AFTER = ("norm1", "ls1", "norm2", "ls2")


def before_after(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws both cosines before and after the six layers, mean over blocks (figures 2, 3 and 10 of the paper)."""
    figure, rows = new_figure(4.6, rows=2, sharex=True)
    shown = colours(measured)
    slot = 0.84 / len(shown)
    for axes, (statistic, title) in zip((row[0] for row in rows), _TITLES.items(), strict=True):
        zero_line(axes)
        for number, (name, colour) in enumerate(shown.items()):
            for column, layer in enumerate(SUB_LAYERS):
                centre = column - 0.42 + (number + 0.5) * slot
                ends = _ends(measured[name], layer, statistic)
                if ends:
                    _slope(axes, ends, (centre - slot / 4, centre + slot / 4), colour)
        axes.set_title(title, loc="left")
        axes.set_ylabel(_LABEL)
    rows[0][0].tick_params(axis="x", length=0)
    rows[-1][0].set_xticks(range(len(SUB_LAYERS)), [layer.title for layer in SUB_LAYERS])
    rows[-1][0].set_xlim(-0.5, len(SUB_LAYERS) - 0.5)
    rows[-1][0].tick_params(axis="x", length=0, labelsize=8)
    before = Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle="", label="before")
    after = Line2D([], [], color=INK, marker="o", linestyle="", label="after (± std over images)")
    legend(figure, measured, [before, after])
    return figure


def _slope(axes: Axes, ends: Sequence[RunningStats], x: tuple[float, float], colour: str) -> None:
    means, stds = [end.mean[-1] for end in ends], [end.std[-1] for end in ends]
    axes.errorbar(x, means, stds, color=colour, elinewidth=0.8, linewidth=1.3)
    axes.plot(x[:1], means[:1], "o", color=colour, markerfacecolor="white", zorder=3)
    axes.plot(x[1:], means[1:], "o", color=colour, zorder=3)


def norm1_by_block(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws both cosines around the first LayerNorm of each block (figures 3 and 7)."""
    figure, [row] = new_figure(2.7, columns=2)
    for axes, (statistic, title) in zip(row, _TITLES.items(), strict=True):
        _by_block(axes, measured, SUB_LAYERS[0], statistic)
        axes.set_title(title, loc="left")
        axes.set_xlabel("block")
    row[0].set_ylabel(_LABEL)
    legend(figure, measured, _before_and_after())
    return figure


def layers_by_block(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws both cosines around every layer of each block."""
    figure, rows = new_figure(3.9, rows=2, columns=len(SUB_LAYERS), sharex=True, sharey="row")
    for row, (statistic, title) in zip(rows, _TITLES.items(), strict=True):
        for axes, layer in zip(row, SUB_LAYERS, strict=True):
            _by_block(axes, measured, layer, statistic)
        row[0].set_ylabel(f"{_LABEL},\n{title}")
    for above, below, layer in zip(rows[0], rows[-1], SUB_LAYERS, strict=True):
        above.set_title(layer.title, loc="left")
        below.set_xlabel("block")
    legend(figure, measured, _before_and_after())
    return figure


def after_norms(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws both cosines after LayerNorms and LayerScales, mean over blocks (figures 6 and 11)."""
    figure, [row] = new_figure(2.7, columns=2)
    shown, layers = colours(measured), [layer for layer in SUB_LAYERS if layer.name in _AFTER]
    width = 0.8 / len(shown)
    for axes, (statistic, title) in zip(row, _TITLES.items(), strict=True):
        zero_line(axes)
        for number, (name, colour) in enumerate(shown.items()):
            for column, layer in enumerate(layers):
                stats = measured[name].by_point.get((layer.after, statistic))
                if stats is not None:
                    x = column - 0.4 + (number + 0.5) * width
                    axes.bar(x, stats.mean[-1], width * 0.9, color=colour)
                    axes.errorbar(x, stats.mean[-1], stats.std[-1], color=INK, elinewidth=0.8)
        axes.set_xticks(range(len(layers)), [layer.title.replace(" ", "\n") for layer in layers])
        axes.tick_params(axis="x", length=0)
        axes.set_title(f"{title}, after", loc="left")
    row[0].set_ylabel(_LABEL)
    legend(figure, measured)
    return figure


def _by_block(axes: Axes, measured: Mapping[str, TokenStatistics], layer: SubLayer, statistic: str) -> None:
    zero_line(axes)
    for (name, colour), marker in zip(colours(measured).items(), MARKERS, strict=False):
        ends = _ends(measured[name], layer, statistic)
        if ends is None:
            continue
        before, after = ends
        blocks = np.arange(measured[name].depth)
        axes.plot(blocks, before.mean[:-1], "--", color=colour, linewidth=1.0)
        axes.plot(blocks, after.mean[:-1], color=colour, marker=marker, markersize=2.5)
        low, high = after.mean - after.std, after.mean + after.std
        axes.fill_between(blocks, low[:-1], high[:-1], color=colour, alpha=0.15, linewidth=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _ends(model: TokenStatistics, layer: SubLayer, statistic: str) -> tuple[RunningStats, RunningStats] | None:
    """Returns a statistic before and after a layer; None if the model has no such layer."""
    if (layer.after, statistic) not in model.by_point:
        return None
    return model.by_point[layer.before, statistic], model.by_point[layer.after, statistic]


def _before_and_after() -> list[Line2D]:
    return [
        Line2D([], [], color=INK, linestyle="--", linewidth=1.0, label="before"),
        Line2D([], [], color=INK, label="after (band: std over images)"),
    ]
