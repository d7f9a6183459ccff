"""Tensors by name: what was read from disk, what a layout makes of it, and how names are changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.errors import StructureError

# Keys of a plain ViT: weights and biases of its modules, none of them split by kind of token.
_PLAIN = re.compile(
    r"cls_token|pos_embed|head\..+|"
    r"(patch_embed|(fc_|cls_)?norm|blocks\.(\d+\.)+(norm[12]|attn|mlp))(\.(?!(cls|patch|fns)\.)\w+)*\.(weight|bias)"
)

MASKS = r"(mask_token|masked_embed)$"
"""What stands for masked patches: used in pre-training only, and often by a student only."""


@dataclass(frozen=True)
class CheckpointWeights:
    """The tensors of a backbone, without wrappers and prefixes, and what lies beside them."""

    state: Mapping[str, Tensor]
    """Tensors by key."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """``config.json`` of a folder."""

    preprocessor: Mapping[str, Any] = field(default_factory=dict)
    """Config of the image processor in a folder."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the script that wrote a training file, where it keeps them."""

    spec: Mapping[str, Any] | None = None
    """The spec our own files carry."""

    wrapper: str | None = None
    """Entry that training files of this kind keep their model in, whichever entry was taken."""

    grid: tuple[int, int] | None = None
    """Rows and columns of stored positions, where the user or the metadata states them."""

    sibling_keys: frozenset[str] = frozenset()
    """Keys that another copy of this backbone in the file has and this one lacks: the mask token of a student."""

    notes: tuple[str, ...] = ()
    """What was done to the file to read it."""


@dataclass(frozen=True)
class CanonicalWeights:
    """The tensors of a backbone in canonical names (see ``vit.py``) and what its layout implies."""

    state: dict[str, Tensor]
    """Tensors by canonical name."""

    defaults: LayoutDefaults
    """What the layout implies and cannot be inferred from the weights."""

    dropped: tuple[tuple[str, str], ...] = ()
    """(key, reason) of each tensor left out."""

    notes: tuple[str, ...] = ()
    """What a reader should know."""


def patch_size(state: Mapping[str, Tensor]) -> int | None:
    """Returns the side of square patches, None without any.

    The projection is recognised by its shape (D, channels, p, p), whatever a layout calls it: no other tensor of a ViT
    is a square kernel.
    """
    kernels = (tensor.shape[2:] for tensor in state.values() if tensor.ndim == 4)
    return next((rows for rows, columns in kernels if rows == columns), None)


def rename(state: Mapping[str, Tensor], name: Callable[[str], str]) -> dict[str, Tensor]:
    """Renames all keys.

    Raises:
        StructureError: Two keys get the same name.
    """
    renamed: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if name(key) in renamed:
            raise StructureError(f"the checkpoint holds {name(key)!r} twice, the second time as {key!r}")
        renamed[name(key)] = tensor
    return renamed


def substitute(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """Returns a function that applies every (pattern, replacement) to a key, in order."""
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in pairs]

    def apply(key: str) -> str:
        for pattern, replacement in compiled:
            key = pattern.sub(replacement, key)
        return key

    return apply


def drop(state: dict[str, Tensor], pattern: str, reason: str) -> tuple[tuple[str, str], ...]:
    """Takes the keys whose beginning matches out of ``state`` and returns them with the reason."""
    keys = [key for key in state if re.match(pattern, key)]
    for key in keys:
        del state[key]
    return tuple((key, reason) for key in keys)


def drop_empty(state: dict[str, Tensor], key: str) -> tuple[tuple[str, str], ...]:
    """Takes an empty tensor of tokens out of ``state``: a model made for registers may have no register."""
    return drop(state, f"{re.escape(key)}$", "holds no token") if key in state and not state[key].numel() else ()


def has_plain_names(weights: CheckpointWeights) -> bool:
    """Tells whether all keys are those of a plain ViT, which several layouts share.

    LayerScale, registers, mask tokens, split layers, attention bias and whatever a layout has of its own go beyond it.
    """
    return all(_PLAIN.fullmatch(key) for key in (*weights.state, *weights.sibling_keys))


def join_rows(state: dict[str, Tensor], parts: tuple[str, ...], joint: str) -> None:
    """Replaces tensors such as ``q_proj``, ``k_proj``, ``v_proj`` by their rows below each other, wherever they occur.

    Args:
        state: Tensors by key, changed in place.
        parts: What the parts are called inside a key.
        joint: What the joint tensor is called there.

    Raises:
        StructureError: A part is missing where another is there.
    """
    first = f".{parts[0]}."
    for key in [key for key in state if any(f".{part}." in key for part in parts)]:
        if key not in state:
            continue
        part = next(part for part in parts if f".{part}." in key)
        names = [key.replace(f".{part}.", f".{other}.") for other in parts]
        missing = [name for name in names if name not in state]
        if missing:
            raise StructureError(f"the checkpoint has {key!r} but no {missing[0]!r}; they belong together")
        if len({state[name].shape[1:] for name in names}) != 1:
            raise StructureError(f"{', '.join(names)} differ in more than their rows")
        tensors = [state.pop(name) for name in names]
        state[names[0].replace(first, f".{joint}.")] = torch.cat(tensors)
