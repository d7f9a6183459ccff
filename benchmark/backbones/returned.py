"""What a function from images to tokens may return, and the `Tokens` it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from benchmark.backbones.tokens import Tokens
from benchmark.errors import CheckpointError

ACCEPTED = (
    "Tokens; a tensor (B, 1 + R + N, D) with [CLS], R registers and N patches, row by row; a pair of [CLS] (B, D) and "
    "patches (B, N, D) or (B, D, h, w); a dict of cls, patches and, if there are any, registers; or a list with one of "
    "these for each block"
)
"""In words, for messages and documents."""

# Names in a dict: ours, and those of DINOv2's forward_features. Registers may be absent.
_NAMES = ({"cls": "cls", "registers": "registers", "patches": "patches"},
          {"cls": "x_norm_clstoken", "registers": "x_norm_regtokens", "patches": "x_norm_patchtokens"})  # fmt: skip
_SEQUENCE = "last_hidden_state"  # of the outputs of transformers


def by_layer(found: Any, grid: tuple[int, int], what: str) -> list[Tokens]:
    """Returns the tokens of each block that a function returned, in its order; one without a list of blocks.

    Args:
        found: What the function returned.
        grid: (h, w), patch rows and columns of its images; N is h * w.
        what: The function, for messages.

    Raises:
        CheckpointError: It is nothing of `ACCEPTED`, or its shapes do not fit the images.
    """
    if isinstance(found, list | tuple) and found and not _is_pair(found):
        return [_tokens(each, grid, f"{what}, entry {number}") for number, each in enumerate(found)]
    return [_tokens(found, grid, what)]


def _is_pair(found: list[Any] | tuple[Any, ...]) -> bool:
    """Tells [CLS] and patches from the tokens of two blocks: only [CLS] has two dimensions."""
    return len(found) == 2 and all(isinstance(each, Tensor) for each in found) and any(each.ndim == 2 for each in found)


def _tokens(found: Any, grid: tuple[int, int], what: str) -> Tokens:
    if isinstance(found, Tokens):
        return found
    if isinstance(found, Mapping) and found.get(_SEQUENCE) is not None:
        found = found[_SEQUENCE]
    if isinstance(found, Tensor):
        return _of_sequence(found, grid, what)
    if isinstance(found, Mapping):
        for names in _NAMES:
            if names["cls"] in found and names["patches"] in found:
                return _of_parts(
                    found[names["cls"]], found[names["patches"]], found.get(names["registers"]), grid, what
                )
        raise CheckpointError(
            f"{what} returned a dict of {', '.join(map(str, found)) or 'nothing'}; wanted: {ACCEPTED}"
        )
    if isinstance(found, list | tuple) and _is_pair(found):
        cls, patches = sorted(found, key=lambda each: each.ndim)  # DINOv2 gives the patches first
        return _of_parts(cls, patches, None, grid, what)
    raise CheckpointError(f"{what} returned {_said(found)}; wanted: {ACCEPTED}")


def _of_sequence(sequence: Tensor, grid: tuple[int, int], what: str) -> Tokens:
    patches = grid[0] * grid[1]
    if sequence.ndim == 3 and sequence.shape[1] == patches:
        raise CheckpointError(
            f"{what} returned {_said(sequence)}: the {patches} patches without a [CLS] before them; return a pair of "
            "[CLS] and patches, for a model that has none (patches.mean(1), patches)"
        )
    if sequence.ndim != 3 or sequence.shape[1] < 1 + patches:
        raise CheckpointError(
            f"{what} returned {_said(sequence)}; for a grid of {grid[0]} x {grid[1]} patches it must be (B, 1 + R + "
            f"{patches}, D): [CLS], R registers, patches. Is the patch size right?"
        )
    before = sequence.shape[1] - patches
    return Tokens(cls=sequence[:, 0], registers=sequence[:, 1:before], patches=sequence[:, before:], grid=grid)


def _of_parts(cls: Any, patches: Any, registers: Any, grid: tuple[int, int], what: str) -> Tokens:
    count = grid[0] * grid[1]
    if isinstance(patches, Tensor) and patches.ndim == 4 and tuple(patches.shape[2:]) == grid:
        patches = patches.flatten(2).transpose(1, 2)
    if registers is None and isinstance(patches, Tensor):
        registers = patches[:, :0]
    parts = {"[CLS]": (cls, 2), "patches": (patches, 3), "registers": (registers, 3)}
    for name, (part, dimensions) in parts.items():
        if not isinstance(part, Tensor) or part.ndim != dimensions:
            wanted = "(B, D)" if dimensions == 2 else "(B, tokens, D)"
            raise CheckpointError(f"{what} returned {_said(part)} for {name}; it must be {wanted}")
    if patches.shape[1] != count:
        raise CheckpointError(
            f"{what} returned {_said(patches)} for patches; a grid of {grid[0]} x {grid[1]} has {count}. Is the patch "
            "size right?"
        )
    return Tokens(cls=cls, registers=registers, patches=patches, grid=grid)


def _said(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {', '.join(map(_said, value)) or 'nothing'}"
    return f"a {type(value).__name__}"
