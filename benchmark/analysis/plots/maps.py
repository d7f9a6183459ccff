"""Maps of single pictures beside the pictures: a row per picture, a column per checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from benchmark.analysis.measure import TokenStatistics
from benchmark.analysis.pca import align_signs, to_rgb
from benchmark.analysis.pictures import Picture
from benchmark.analysis.plots.style import WIDTH, wrapped

_LARGEST_TILE = 1.5  # inches
_BAR = 0.6  # inches left for a colour bar
_TITLE = 0.2  # inches of a line


def principal_colours(measured: Mapping[str, TokenStatistics], pictures: Sequence[Picture]) -> Figure:
    """Draws the first three principal components of each picture's patches as colours (figures 1 and 14-16)."""
    references = next(iter(measured.values())).maps
    maps = {
        name: [
            to_rgb(align_signs(model_map.principal, reference.principal))
            for model_map, reference in zip(model.maps, references, strict=True)
        ]
        for name, model in measured.items()
    }
    return map_grid(pictures, maps, label=None)


def map_grid(pictures: Sequence[Picture], maps: Mapping[str, Sequence[np.ndarray]], *, label: str | None) -> Figure:
    """Draws maps beside pictures.

    Args:
        pictures: (S, S, 3) BGR.
        maps: By checkpoint and picture, (h, w, 3) colours in [0, 1] or (h, w) values from 0 on.
        label: What values are; a picture's maps share a scale and a colour bar. None for colours.
    """
    columns = 1 + len(maps)
    available = WIDTH - (_BAR if label else 0)
    tile = min(available / columns, _LARGEST_TILE)
    titles = [wrapped(title, tile) for title in ("picture", *maps)]
    above = _TITLE * max(title.count("\n") + 1 for title in titles)
    size = (tile * columns + (_BAR if label else 0), tile * len(pictures) + above)
    figure = Figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    grid = figure.subplots(len(pictures), columns, squeeze=False)
    for row, (tiles, picture) in enumerate(zip(grid, pictures, strict=True)):
        tiles[0].imshow(picture[..., ::-1])
        of_picture = [of_checkpoint[row] for of_checkpoint in maps.values()]
        scale = Normalize(0, max(float(values.max()) for values in of_picture))
        for axes, values in zip(tiles[1:], of_picture, strict=True):
            image = axes.imshow(values, norm=scale, cmap="viridis", interpolation="none")
        if label:
            bar = figure.colorbar(image, ax=list(tiles), label=label, pad=0.01, aspect=12, shrink=0.9)
            bar.outline.set_visible(False)
        for axes in tiles:
            _hide_axes(axes)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title)
    return figure


def _hide_axes(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
