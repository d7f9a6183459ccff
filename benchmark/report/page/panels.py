"""Pictures of one benchmark, ready to be shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmark.records.gallery import Panel
from benchmark.report.page.pictures import photo

Panels = dict[str, dict[str, Panel]]
"""Model to image to panel."""


@dataclass(frozen=True)
class Picture:
    """One picture."""

    uri: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Prediction:
    """The prediction of one model for an image."""

    map: Picture
    errors: Picture


@dataclass(frozen=True)
class Shown:
    """One image with everything about it."""

    name: str
    width: int
    height: int
    image: Picture
    truth: Picture
    predictions: list[Prediction]


@dataclass(frozen=True)
class Swatch:
    """A colour and its meaning."""

    colour: str
    text: str


@dataclass(frozen=True)
class Scale:
    """Colours of a range."""

    gradient: str
    low: str
    high: str
    text: str


@dataclass(frozen=True)
class Drawn:
    """All pictures of a benchmark and the meaning of their colours."""

    images: list[Shown]
    swatches: list[Swatch]
    scales: list[Scale] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lay_out(
    panels: Panels, truth: Callable[[Panel], Picture], prediction: Callable[[str, Panel], Prediction]
) -> list[Shown]:
    """Puts the predictions of all models beside each image; a panel whose truth differs from the first is left out."""
    shown = []
    for name in next(iter(panels.values())):
        of_image = {model: images[name] for model, images in panels.items() if name in images}
        first = next(iter(of_image.values()))
        alike = {model: panel for model, panel in of_image.items() if _alike(panel, first)}
        height, width = first.target.shape
        picture = Picture(photo(first.image), f"image {name}", "image")
        predictions = [prediction(model, panel) for model, panel in alike.items()]
        shown.append(Shown(name, width, height, picture, truth(first), predictions))
    return shown


def _alike(panel: Panel, other: Panel) -> bool:
    return panel.target.shape == other.target.shape and bool((panel.target == other.target).all())
