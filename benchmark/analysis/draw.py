"""Every figure of an analysis, with its caption, written as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.analysis.measure import LARGEST_PATCHES, TokenStatistics
from benchmark.analysis.pictures import Picture
from benchmark.analysis.plots.attention import attention_by_block, attention_maps
from benchmark.analysis.plots.cosines import after_norms, before_after, layers_by_block, norm1_by_block
from benchmark.analysis.plots.dimensions import largest_dimensions
from benchmark.analysis.plots.maps import principal_colours
from benchmark.analysis.plots.norms import token_norms
from benchmark.analysis.plots.saving import save_figure
from benchmark.analysis.plots.style import style
from benchmark.doctor.examine import OUTLIER_FACTOR

MOST_CHECKPOINTS = 6
"""As many as can be distinguished in one figure."""

_SUFFIXES = (".png", ".svg")


@dataclass(frozen=True)
class Drawing:
    """How a figure is drawn, and its caption."""

    name: str
    draw: Callable[..., Figure]
    caption: str


DRAWINGS = (
    Drawing(
        "cosines",
        before_after,
        "Cosine similarity of [CLS] with patches and of patches with each other, before and after each layer of a "
        "block, mean over blocks (figures 2, 3 and 10 of arXiv 2602.08626).",
    ),
    Drawing(
        "after_norms",
        after_norms,
        "The same after LayerNorms and LayerScales, the layers that specialise first (figures 6 and 11).",
    ),
    Drawing("norm1_by_block", norm1_by_block, "The same around the first LayerNorm of each block (figures 3 and 7)."),
    Drawing("cosines_by_block", layers_by_block, "The same around every layer of each block."),
    Drawing(
        "dimensions",
        largest_dimensions,
        f"The dimensions in which [CLS] and the {LARGEST_PATCHES} patches of largest norm have the largest mean "
        "magnitude, after an early, a middle and the last block (figure 4).",
    ),
    Drawing(
        "norms",
        token_norms,
        f"Norms of tokens before the final norm. A patch beyond {OUTLIER_FACTOR:g} medians is a high-norm outlier.",
    ),
    Drawing(
        "attention_by_block",
        attention_by_block,
        "Share of the attention of [CLS] that each kind of token gets, mean over heads.",
    ),
)

PICTURE_DRAWINGS = (
    Drawing(
        "principal_colours",
        principal_colours,
        "First three principal components of each picture's patches after the final norm, as red, green and blue: grey "
        "is the mean, a channel saturates at two standard deviations. Components of the first checkpoint increase "
        "towards the centre of the picture, those of the others are aligned with them (figures 1 and 14-16).",
    ),
    Drawing(
        "attention_maps",
        attention_maps,
        "Attention of [CLS] to the patches in the last block, mean over heads, relative to uniform attention.",
    ),
)


def draw_all(measured: Mapping[str, TokenStatistics], pictures: Sequence[Picture], folder: Path) -> dict[str, str]:
    """Writes every figure into ``folder`` and returns their captions by name."""
    with style():
        for drawing in DRAWINGS:
            save_figure(drawing.draw(measured), folder / drawing.name, _SUFFIXES)
        for drawing in PICTURE_DRAWINGS:
            save_figure(drawing.draw(measured, pictures), folder / drawing.name, _SUFFIXES)
    return {drawing.name: drawing.caption for drawing in (*DRAWINGS, *PICTURE_DRAWINGS)}
