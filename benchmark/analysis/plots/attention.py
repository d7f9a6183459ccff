"""The attention of [CLS]: its shares by kind of token in each block, and maps of the last block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.analysis.measure import TokenStatistics
from benchmark.analysis.pictures import Picture
from benchmark.analysis.plots.maps import map_grid
from benchmark.analysis.plots.style import MARKERS, colours, legend, new_figure

_KINDS = {"patches": "patches", "cls": "[CLS] itself", "registers": "registers", "bias": "attention bias"}


def attention_by_block(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws the share of the attention of [CLS] that goes to each kind of token, mean over heads and images."""
    kinds = [kind for kind in _KINDS if any(_key(kind) in model.by_point for model in measured.values())]
    figure, [row] = new_figure(2.5, columns=len(kinds))
    for axes, kind in zip(row, kinds, strict=True):
        for (name, colour), marker in zip(colours(measured).items(), MARKERS, strict=False):
            stats = measured[name].by_point.get(_key(kind))
            if stats is not None:
                axes.plot(100 * stats.mean[:-1], color=colour, marker=marker, markersize=2.5)
        axes.set_title(f"to {_KINDS[kind]}", loc="left")
        axes.set_xlabel("block")
        axes.set_ylim(0, min(1.1 * axes.get_ylim()[1], 102))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    row[0].set_ylabel("attention of [CLS], %")
    legend(figure, measured)
    return figure


def attention_maps(measured: Mapping[str, TokenStatistics], pictures: Sequence[Picture]) -> Figure:
    """Draws the attention of [CLS] over the patches of single pictures, last block, mean over heads."""
    attention = {name: [maps.attention for maps in model.maps] for name, model in measured.items()}
    return map_grid(pictures, attention, label="uniform = 1")


def _key(kind: str) -> tuple[str, str]:
    return "attn", f"cls_attention_to_{kind}"
