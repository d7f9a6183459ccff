"""Pictures of segmentations: classes in colours, and where they are wrong."""

from __future__ import annotations

import numpy as np

from benchmark.data.dataset import Dataset
from benchmark.records.gallery import Panel
from benchmark.report.page.colours import NOT_COUNTED, RIGHT, WRONG, Colour, class_colours, css
from benchmark.report.page.panels import Drawn, Panels, Picture, Prediction, Swatch, lay_out
from benchmark.report.page.pictures import class_map, indexed

_MOST_CLASSES = 20  # of a legend
_IGNORED = 255


def draw_labels(dataset: Dataset, panels: Panels) -> Drawn:
    """Draws predicted classes and errors of every model."""
    colours = class_colours(_by_area(panels))
    images = lay_out(
        panels,
        lambda panel: Picture(class_map(panel.target, colours), f"labels of {panel.name}", "labels"),
        lambda model, panel: _prediction(model, panel, colours),
    )
    swatches = [Swatch(css(colour), dataset.class_name(number)) for number, colour in colours.items()]
    notes = []
    if len(swatches) > _MOST_CLASSES:
        notes.append(f"{len(swatches) - _MOST_CLASSES} classes of smaller area have no entry in the legend.")
    last = [Swatch(css(NOT_COUNTED), "not scored"), Swatch(css(RIGHT), "right"), Swatch(css(WRONG), "wrong")]
    return Drawn(images, [*swatches[:_MOST_CLASSES], *last], notes=notes)


def _prediction(model: str, panel: Panel, colours: dict[int, Colour]) -> Prediction:
    counted = panel.target != _IGNORED
    wrong = counted & (panel.target != panel.prediction)
    state = np.where(counted, wrong.astype(np.uint8), 2).astype(np.uint8)
    said = f"{100 * (1 - wrong.sum() / counted.sum()):.0f} % right" if counted.any() else "nothing scored"
    return Prediction(
        Picture(class_map(panel.prediction, colours), f"{model}: predicted classes of {panel.name}", model),
        Picture(
            indexed(state, np.array([RIGHT, WRONG, NOT_COUNTED], dtype=np.uint8)),
            f"{model}: where its prediction of {panel.name} is wrong; {said}",
            said,
        ),
    )


def _by_area(panels: Panels) -> list[int]:
    """Lists the classes that occur, largest area in the truth first, then those that are predicted only."""
    truth, predicted = np.zeros(256, dtype=np.int64), np.zeros(256, dtype=np.int64)
    for images in panels.values():
        for panel in images.values():
            truth += np.bincount(panel.target.ravel(), minlength=256)
            predicted += np.bincount(panel.prediction.ravel(), minlength=256)
    occurring = [number for number in range(_IGNORED) if truth[number] or predicted[number]]
    return sorted(occurring, key=lambda number: (-truth[number], -predicted[number]))
