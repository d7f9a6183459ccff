"""The dimensions in which tokens are largest (figure 4 of the paper), as a heat map in place of its 3-D bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from benchmark.analysis.measure import Magnitudes, TokenStatistics
from benchmark.analysis.plots.style import new_figure, plain_log, wrapped
from benchmark.analysis.tables import shown_dimensions

_MIN_MAGNITUDE = 1e-6
_PANEL_WIDTH = 2.0  # inches


def largest_dimensions(measured: Mapping[str, TokenStatistics]) -> Figure:
    """Draws mean magnitudes of [CLS] and of the patches of largest norm at early, middle and late blocks.

    A row of panels per checkpoint; one colour scale for all.
    """
    columns = max(len(model.magnitudes) for model in measured.values())
    figure, rows = new_figure(0.5 + 1.75 * len(measured), rows=len(measured), columns=columns)
    panels = {
        name: [_panel(magnitudes) for magnitudes in model.magnitudes.values()] for name, model in measured.items()
    }
    values = np.concatenate([panel.ravel() for row in panels.values() for panel in row]).clip(_MIN_MAGNITUDE)
    scale = LogNorm(values.min(), max(values.max(), values.min() * 1.01))
    for row, (name, model) in zip(rows, measured.items(), strict=True):
        for axes in row[len(model.magnitudes) :]:
            axes.set_visible(False)
        for axes, panel, (block, magnitudes) in zip(row, panels[name], model.magnitudes.items(), strict=False):
            image = axes.imshow(
                panel.clip(_MIN_MAGNITUDE), norm=scale, cmap="viridis", aspect="auto", interpolation="none"
            )
            axes.set_xticks(range(panel.shape[1]), shown_dimensions(magnitudes), rotation=90)
            labels = ["[CLS]", *(f"patch {rank + 1}" for rank in range(len(panel) - 1))]
            axes.set_yticks(range(len(panel)), labels if axes is row[0] else [])
            axes.axhline(0.5, color="white", linewidth=1.5)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            title = f"{name}, block {block}" if len(measured) > 1 and axes is row[0] else f"block {block}"
            axes.set_title(wrapped(title, _PANEL_WIDTH), loc="left")
    for axes in rows[-1]:
        axes.set_xlabel("dimension")
    all_axes = [axes for row in rows for axes in row]
    bar = figure.colorbar(image, ax=all_axes, label="mean |activation|", pad=0.01, aspect=16 * len(rows))
    bar.outline.set_visible(False)
    plain_log(bar.ax.yaxis)
    return figure


def _panel(magnitudes: Magnitudes) -> np.ndarray:
    """Returns the magnitudes of [CLS] and the patches, a row each, in the dimensions that are shown."""
    return np.concatenate((magnitudes.cls.mean[None], magnitudes.patches.mean))[:, shown_dimensions(magnitudes)]
