"""Token norms: their distribution after the last block, and their growth from block to block."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmark.analysis.measure import TokenStatistics
from benchmark.analysis.plots.style import INK, colours, legend, new_figure, plain_log
from benchmark.doctor.examine import OUTLIER_FACTOR

_BINS = 60
_KINDS = {
    "patch_norm": ("-", "patches, mean"),
    "largest_patch_norm": (":", "largest patch"),
    "cls_norm": ("--", "[CLS]"),
}


def token_norms(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws a histogram of the patches' norms with the limit of high-norm outliers, and norms by block."""
    figure, [[histogram, growth]] = new_figure(2.9, columns=2)
    edges = _edges(measured)
    for name, colour in colours(measured).items():
        norms = measured[name].norms
        counts, _ = np.histogram(norms.patches, edges)
        histogram.stairs(100 * counts / counts.sum(), edges, color=colour, linewidth=1.2)
        histogram.axvline(OUTLIER_FACTOR * norms.median, color=colour, linestyle=":", linewidth=1.0)
        histogram.plot(norms.cls.mean(), 0, "v", color=colour, clip_on=False, markersize=5, zorder=4)
        for statistic, (line, _) in _KINDS.items():
            stats = measured[name].by_point["output", statistic]
            growth.plot(stats.mean[:-1], line, color=colour)
    histogram.set_xscale("log")
    histogram.set_ylim(0, 1.25 * histogram.get_ylim()[1])  # room for the legend
    histogram.set_xlabel("norm of a patch after the last block")
    histogram.set_ylabel("patches per bin, %")
    growth.set_yscale("log")
    growth.set_xlabel("block")
    growth.set_ylabel("norm after the block")
    growth.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    plain_log(histogram.xaxis)
    plain_log(growth.yaxis)
    histogram.legend(
        handles=[
            Line2D([], [], color=INK, linestyle=":", label=f"{OUTLIER_FACTOR:g} medians: outliers beyond"),
            Line2D([], [], color=INK, marker="v", linestyle="", label="mean [CLS]"),
        ],
        loc="upper right",
        frameon=True,
        framealpha=1.0,
        edgecolor="none",
    )
    growth.legend(handles=[Line2D([], [], color=INK, linestyle=line, label=label) for line, label in _KINDS.values()])
    legend(figure, measured)
    return figure


def _edges(measured: Mapping[str, TokenStatistics]) -> np.ndarray:
    """Returns bins, even in the logarithm, that hold every patch, mean [CLS] and limit."""
    values = [
        value
        for model in measured.values()
        for value in (
            model.norms.patches.min(),
            model.norms.patches.max(),
            model.norms.cls.mean(),
            OUTLIER_FACTOR * model.norms.median,
        )
    ]
    return np.geomspace(max(min(values), 1e-6) * 0.98, max(values) * 1.02, _BINS + 1)
