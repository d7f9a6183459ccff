"""Draws one block: which layers [CLS] and patches share, and of which each has a copy.

    python docs/tools/specialization_figure.py docs/specialization.svg
    python docs/tools/specialization_figure.py mine.png --preset norms+qkv+mlp --depth 12

Source: arXiv 2602.08626, figure 5.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from benchmark.analysis.plots.saving import save_figure
from benchmark.analysis.plots.style import INK, PALETTE, WIDTH, style
from benchmark.backbones.presets import specialization_preset
from benchmark.backbones.specialization import Blocks, Specialization, brackets
from benchmark.errors import DenseBenchError, UsageError

_CLS, _PATCH, _SHARED = PALETTE[1], PALETTE[0], "#8C8C8C"
_LANES = {"cls": 1.0, "patch": 0.0}
_BOX = (0.78, 0.56)  # width and height of a copy; columns and lanes are 1 apart
_COLUMNS = ("norm1", "qkv", "attention", "proj", "ls1", "+", "norm2", "mlp", "ls2", "+")
_TITLES = {
    "norm1": "Layer\nNorm",
    "qkv": "Q, K, V",
    "attention": "softmax\nattention",
    "proj": "linear",
    "ls1": "Layer\nScale",
    "norm2": "Layer\nNorm",
    "mlp": "MLP",
    "ls2": "Layer\nScale",
}
_SHARED_COLOURS = ("#F2F2F2", _SHARED)


def draw_block(split: Specialization, depth: int) -> Figure:
    """Draws a block from left to right, [CLS] above and patches below.

    A layer that is split is two boxes, each in the colour of its tokens; a shared one is a grey box across both lanes.
    The text below says in which of the ``depth`` blocks it is split.
    """
    figure = Figure(figsize=(WIDTH, 1.75), layout="constrained")
    axes = figure.subplots()
    for lane, (colour, label) in {"cls": (_CLS, "[CLS]"), "patch": (_PATCH, "patches")}.items():
        height = _LANES[lane]
        axes.plot([-0.85, len(_COLUMNS) - 0.25], [height, height], color=colour, zorder=0, linewidth=1.4)
        axes.plot(len(_COLUMNS) - 0.25, height, ">", color=colour, markersize=5)
        axes.text(-0.95, height, label, color=colour, ha="right", va="center", fontsize=9, fontweight="bold")
        _residual(axes, height, -0.65, 5, colour, up=lane == "cls")
        _residual(axes, height, 5.35, 9, colour, up=lane == "cls")
    for column, layer in enumerate(_COLUMNS):
        if layer == "+":
            for lane, colour in (("cls", _CLS), ("patch", _PATCH)):
                _plus(axes, column, _LANES[lane], colour)
        elif layer == "attention":
            _shared_box(axes, column, layer, ("#FFFFFF", INK))
            _caption(axes, column, "always\nshared", INK)
        else:
            _layer(axes, column, layer, split, depth)
    axes.set_xlim(-2.0, len(_COLUMNS) - 0.1)
    axes.set_ylim(-1.25, 1.55)
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


def _layer(axes: Axes, column: int, layer: str, split: Specialization, depth: int) -> None:
    blocks: Blocks = getattr(split, layer)
    low_rank = split.qkv_lora if layer == "qkv" else ()
    if blocks:
        _box(axes, column, _LANES["cls"], _BOX[1], ("#FBE7DA", _CLS))
        _box(axes, column, _LANES["patch"], _BOX[1], ("#DCEBF5", _PATCH))
        for height in _LANES.values():
            _title(axes, column, height, layer)
        _caption(axes, column, _which_blocks(blocks, depth), INK)
    elif low_rank:
        _shared_box(axes, column, layer, _SHARED_COLOURS)
        _box(axes, column, _LANES["cls"], 0.3, ("#FBE7DA", _CLS))
        axes.text(column, _LANES["cls"], f"rank {split.lora_rank}", ha="center", va="center", fontsize=6, color=_CLS)
        _caption(axes, column, _which_blocks(low_rank, depth), INK)
    else:
        _shared_box(axes, column, layer, _SHARED_COLOURS)
        _caption(axes, column, "shared", _SHARED)


def _which_blocks(blocks: Blocks, depth: int) -> str:
    ranges = brackets(blocks, depth).strip("[]")
    return f"split in\nblocks {ranges}" if ranges else f"split in\nall {depth}"


def _shared_box(axes: Axes, column: int, layer: str, colours: tuple[str, str]) -> None:
    _box(axes, column, 0.5, 1 + _BOX[1], colours)
    _title(axes, column, 0.5, layer)


def _box(axes: Axes, column: float, middle: float, height: float, colours: tuple[str, str]) -> None:
    face, edge = colours
    corner = (column - _BOX[0] / 2, middle - height / 2)
    shape = "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch(corner, _BOX[0], height, shape, facecolor=face, edgecolor=edge, linewidth=1.0))


def _title(axes: Axes, column: float, middle: float, layer: str) -> None:
    axes.text(column, middle, _TITLES[layer], ha="center", va="center", fontsize=6.5, color=INK)


def _caption(axes: Axes, column: float, text: str, colour: str) -> None:
    axes.text(column, -0.78, text, ha="center", va="top", fontsize=6, color=colour, linespacing=1.25)


def _plus(axes: Axes, column: float, height: float, colour: str) -> None:
    axes.add_patch(Circle((column, height), 0.16, facecolor="white", edgecolor=colour, linewidth=1.0, zorder=3))
    for x, y in ((0.09, 0), (0, 0.09)):
        ends = ([column - x, column + x], [height - y, height + y])
        axes.plot(*ends, color=colour, linewidth=1.0, zorder=4)


def _residual(axes: Axes, height: float, start: float, stop: float, colour: str, *, up: bool) -> None:
    """Draws the residual connection around a branch, outside of the two lanes."""
    side = 1 if up else -1
    outside = height + side * 0.46
    axes.plot([start, start, stop], [height, outside, outside], color=colour, linewidth=0.9, zorder=0)
    end = (stop, height + side * 0.17)
    axes.add_patch(
        FancyArrowPatch(
            (stop, outside), end, arrowstyle="-|>", mutation_scale=6, color=colour, linewidth=0.9, shrinkA=0
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws a preset into an SVG or PNG file; returns the exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("output", type=Path, help=".svg or .png")
    parser.add_argument("--preset", default="norms+qkv", help="of configs/backbones/specializations.py")
    parser.add_argument("--depth", type=int, default=24, help="blocks (default: 24, as in ViT-L)")
    options = parser.parse_args(arguments)
    try:
        if options.output.suffix not in (".svg", ".png"):
            raise UsageError(f"{options.output} must end with .svg or .png")
        split = specialization_preset(options.preset, depth=options.depth)
        with style():
            save_figure(draw_block(split, options.depth), options.output.with_suffix(""), [options.output.suffix])
    except (DenseBenchError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
