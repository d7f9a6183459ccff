"""Pictures of depths and of their errors, each on one scale for all models and images of a benchmark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.records.gallery import STEPS_PER_METRE, Panel
from benchmark.report.page.colours import NOT_COUNTED, css, depth_palette, error_palette, gradient
from benchmark.report.page.panels import Drawn, Panels, Picture, Prediction, Scale, Swatch, lay_out
from benchmark.report.page.pictures import shaded

Ends = tuple[float, float]


def draw_depths(panels: Panels) -> Drawn:
    """Draws predicted depth and absolute error of every model."""
    every = [panel for images in panels.values() for panel in images.values()]
    near_far = _ends(np.concatenate([_metres(panel.target)[panel.target > 0] for panel in every]), (1, 99))
    worst = _ends(np.concatenate([_error(panel)[panel.target > 0] for panel in every]), (0, 95))[1]
    images = lay_out(
        panels,
        lambda panel: Picture(
            shaded(_metres(panel.target), panel.target > 0, near_far, depth_palette()),
            f"measured depth of {panel.name}",
            "measured depth",
        ),
        lambda model, panel: _prediction(model, panel, near_far, worst),
    )
    scales = [
        Scale(gradient(depth_palette()), f"{near_far[0]:.1f} m", f"{near_far[1]:.1f} m", "depth"),
        Scale(gradient(error_palette()), "0 m", f"{worst:.1f} m or more", "error"),
    ]
    return Drawn(images, [Swatch(css(NOT_COUNTED), "not measured or not scored")], scales)


def _prediction(model: str, panel: Panel, near_far: Ends, worst: float) -> Prediction:
    known = panel.target > 0
    said = f"RMSE {np.sqrt(np.mean(_error(panel)[known] ** 2)):.2f} m" if known.any() else "nothing measured"
    whole = shaded(_metres(panel.prediction), np.ones_like(known), near_far, depth_palette())
    errors = shaded(_error(panel), known, (0.0, worst), error_palette())
    return Prediction(
        Picture(whole, f"{model}: predicted depth of {panel.name}", model),
        Picture(errors, f"{model}: error of its depth of {panel.name}; {said}", said),
    )


def _ends(values: NDArray[np.float64], percentiles: tuple[float, float]) -> Ends:
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, percentiles)
    return float(low), float(high)


def _metres(steps: NDArray) -> NDArray[np.float64]:
    return steps / STEPS_PER_METRE


def _error(panel: Panel) -> NDArray[np.float64]:
    return np.abs(_metres(panel.prediction) - _metres(panel.target))
