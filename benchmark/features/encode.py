"""From images to columns of features: what a feature store asks of a frozen backbone.

A column is named after a kind of token and a block, counted from 0: ``cls.11``, ``registers.11``, ``mean.11`` (of the
patch tokens), ``patches.11``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from benchmark.backbones import BackboneSpec, Tokens
from benchmark.errors import UsageError, did_you_mean
from benchmark.features.filling import Encode, Encoded
from benchmark.features.frozen import FrozenBackbone
from benchmark.samples.loader import OrderedBatch, ordered_batches

KINDS = ("cls", "registers", "mean", "patches")
"""Kinds of columns; ``mean`` is the mean of the patch tokens, in float32."""


def column_shapes(spec: BackboneSpec, columns: Sequence[str], size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Returns the shape of one image's values by column.

    Args:
        spec: The backbone's.
        columns: Names.
        size: Height and width of the images, pixels; they are padded to whole patches.

    Raises:
        UsageError: A kind or block the backbone does not have.
    """
    rows, columns_of_patches = (-(-side // spec.patch_size) for side in size)
    shapes = {
        "cls": (spec.embed_dim,),
        "registers": (spec.num_registers, spec.embed_dim),
        "mean": (spec.embed_dim,),
        "patches": (rows * columns_of_patches, spec.embed_dim),
    }
    for name in columns:
        kind, layer = _parse(name)
        if not 0 <= layer < spec.depth:
            raise UsageError(f"{name}: {spec.arch} has blocks 0 to {spec.depth - 1}")
        if kind == "registers" and spec.num_registers == 0:
            raise UsageError(f"{name}: {spec.arch} has no registers")
    return {name: shapes[_parse(name)[0]] for name in columns}


def encode_columns(
    frozen: FrozenBackbone,
    load: Callable[[int], Tensor],
    columns: Sequence[str],
    *,
    norm: bool,
    precision: str,
    batch_size: int,
    workers: int,
) -> Encode:
    """Returns the backbone on images, as a feature store asks for it.

    Loader workers start once and serve every shard a process makes; ``frozen.forwards`` counts the images.

    Args:
        frozen: The backbone.
        load: From an index to an image (3, H, W), normalised, all of one size; an image that cannot be read is a
            `DataError`.
        columns: What is encoded.
        norm: Whether the final LayerNorm is applied.
        precision: float32, or bfloat16 or float16 for autocast.
        batch_size: Images per forward pass.
        workers: Loader processes.
    """
    parsed = {name: _parse(name) for name in columns}
    layers = sorted({layer for _, layer in parsed.values()})

    def encoded(batch: OrderedBatch) -> dict[str, Tensor]:
        if batch.images is None:
            return {}
        tokens = dict(
            zip(layers, frozen.tokens(batch.images, layers=layers, norm=norm, precision=precision), strict=True)
        )
        return {name: _values(tokens[layer], kind).cpu() for name, (kind, layer) in parsed.items()}

    def encode(indices: Sequence[int]) -> Iterator[Encoded]:
        for batch in ordered_batches(load, indices, batch_size=batch_size, workers=workers):
            values, row = encoded(batch), 0
            for index in batch.indices:
                if index in batch.errors:
                    yield index, batch.errors[index]
                else:
                    yield index, {name: tensor[row] for name, tensor in values.items()}
                    row += 1

    return encode


def _values(tokens: Tokens, kind: str) -> Tensor:
    """Returns (B, ...) float32 of one kind."""
    if kind == "mean":
        return tokens.patches.float().mean(1)
    return getattr(tokens, kind).float()


def _parse(column: str) -> tuple[str, int]:
    """Splits ``cls.11`` into its kind and block."""
    kind, _, layer = column.partition(".")
    if kind not in KINDS or not layer.isdecimal():
        raise UsageError(f"no column {column!r}{did_you_mean(kind, KINDS)}; kinds: {', '.join(KINDS)}")
    return kind, int(layer)
