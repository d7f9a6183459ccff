"""Position embeddings for image sizes other than the training one."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmark.backbones.spec import PositionInterpolation
from benchmark.errors import StructureError


def interpolate_pos_embed(
    pos_embed: Tensor,
    grid: tuple[int, int],
    rule: PositionInterpolation,
    *,
    stored: tuple[int, int] | None = None,
) -> Tensor:
    """Resizes the patch rows of a position embedding to ``grid``, as DINOv2 does.

    Source: ``interpolate_pos_encoding`` of facebookresearch/dinov2 ``models/vision_transformer.py``: bicubic in
    float32; models without registers divide (size + 0.1) by the grid side and pass it as a scale factor,
    models with registers ask for the size and antialias. The [CLS] row is never touched. Equal token counts are no
    equal grids.

    Args:
        pos_embed: (1, 1 + rows * columns, D), the [CLS] row first.
        grid: (h, w), patch rows and columns wanted.
        rule: Offset and antialiasing.
        stored: (rows, columns) of the embedding; None for a square.

    Returns:
        (1, 1 + h*w, D), in the dtype of ``pos_embed``.

    Raises:
        StructureError: The offset makes the interpolation miss the wanted grid.
    """
    rows, columns = stored or (math.isqrt(pos_embed.shape[1] - 1),) * 2
    if grid == (rows, columns):
        return pos_embed
    height, width = grid
    if rule.offset:
        target = {"scale_factor": ((height + rule.offset) / rows, (width + rule.offset) / columns)}
    else:
        target = {"size": grid}
    patches = pos_embed[:, 1:].float().unflatten(1, (rows, columns)).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, mode="bicubic", antialias=rule.antialias, **target)
    if tuple(patches.shape[-2:]) != grid:
        raise StructureError(
            f"position embedding: offset {rule.offset} gives a {tuple(patches.shape[-2:])} grid where {grid} is "
            "needed; set backbone.interpolate_offset=0"
        )
    patches = patches.flatten(2).transpose(1, 2).to(pos_embed.dtype)
    return torch.cat((pos_embed[:, :1], patches), dim=1)


def has_cls_row(pos_embed: Tensor, grid: tuple[int, int] | None = None) -> bool:
    """Tells whether (1, rows, D) positions have a row for [CLS] before those of the patches.

    Args:
        pos_embed: Positions.
        grid: Rows and columns of patches, where they are stated. Otherwise the grid is taken for a square; a
            square plus one never is.
    """
    rows = pos_embed.shape[1] if pos_embed.ndim == 3 else 0
    return rows != math.prod(grid) if grid else math.isqrt(rows) ** 2 != rows


def with_cls_row(
    pos_embed: Tensor, grid: tuple[int, int] | None = None, *, plain: bool
) -> tuple[Tensor, tuple[str, ...]]:
    """Puts a zero row for [CLS] before positions that have none (see ``has_cls_row``).

    A square number of rows can also be those of [CLS] and of another grid: 225 are 15 x 15 and 1 + 14 x 16.

    Args:
        pos_embed: Positions.
        grid: Rows and columns of patches, where they are stated.
        plain: Whether names are those of a ViT that has a row for [CLS] as often as not.

    Returns:
        The positions, and a note if their number alone says that they had no such row.

    Raises:
        StructureError: Neither a grid nor names decide.
    """
    if pos_embed.ndim != 3 or has_cls_row(pos_embed, grid):
        return pos_embed, ()
    notes: tuple[str, ...] = ()
    if grid is None:
        rows, side = pos_embed.shape[1], math.isqrt(pos_embed.shape[1])
        square = f"{side} x {side} patches and none of [CLS]"
        if plain:
            raise StructureError(
                f"pos_embed has {rows} rows: those of {square}, or of [CLS] and {rows - 1} patches in a grid that is "
                "no square. Give the size that they belong to, in pixels: backbone.image_size=[HEIGHT,WIDTH]"
            )
        notes = (f"pos_embed is read as {square}; if it has one and its grid is not square, give backbone.image_size",)
    return F.pad(pos_embed, (0, 0, 1, 0)), notes
