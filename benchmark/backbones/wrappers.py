"""Training files: the wrapper and the prefix a backbone's tensors stand under, and the heads beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from benchmark.backbones.contents import Contents, rename
from benchmark.backbones.spec import SPEC_KEY
from benchmark.backbones.weight_files import RawCheckpoint
from benchmark.errors import CheckpointError, UnexpectedKeysError, UnknownFormatError

# Where training code puts the weights; a teacher is the model that is released.
_WRAPPERS = ("teacher", "model", "state_dict", "model_state_dict")
# Names that FSDP, activation checkpointing and torch.compile put between a module and its own, at any depth.
_ARTIFACTS = re.compile(r"(_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod)\.")
# Every layout read here has one of these, so they tell the prefix of a backbone.
_ANCHORS = ("patch_embed.proj.weight", "embeddings.cls_token")
# What may stand beside a backbone, by the beginning of its keys.
_BESIDE = (
    (r"(module\.)?(dino_head|ibot_head|dino_loss|ibot_patch_loss|koleo_loss|gram_loss)\.", "head of pre-training"),
    (r"(module\.)?(decode_head|auxiliary_head|head|classifier|fc|linear|linear_head)\.", "head of a task"),
    (r"decoder\.", "decoder of MAE pre-training"),
)


def unwrap(raw: RawCheckpoint, weights: str | None = None) -> tuple[Contents, tuple[tuple[str, str], ...]]:
    """Finds the backbone's tensors inside a file.

    Takes the first of ``teacher``, ``model``, ``state_dict``, ``model_state_dict`` that is a dict, cuts the names that
    FSDP and ``torch.compile`` add out of the keys, strips the prefix under which a patch embedding stands, and leaves
    known heads beside it out.

    Args:
        raw: The file.
        weights: Another entry of the file (``student``, ``model_ema``), or a prefix where there are several.

    Returns:
        The contents, and (key, reason) of every tensor left out.

    Raises:
        UnknownFormatError: Something that is no tensor stands among the tensors.
        UnexpectedKeysError: Keys beside the prefix that are no known head.
        CheckpointError: ``weights`` is neither an entry nor a prefix, or one must be chosen.
    """
    notes: list[str] = []
    found = raw.contents
    wrapper = _wrapper(found, weights)
    if wrapper:
        notes.append(f"took {wrapper!r} of {sorted(map(str, found))}")
        found = found[wrapper]
    foreign = [str(key) for key, value in found.items() if not isinstance(value, Tensor) or not isinstance(key, str)]
    if foreign:
        raise UnknownFormatError(f"the state dict holds things that are no tensors: {', '.join(foreign[:10])}")
    state = rename(found, lambda key: _ARTIFACTS.sub("", key))
    if state.keys() != found.keys():
        notes.append("cut the names of FSDP, checkpointing or torch.compile out of the keys")
    prefix = _prefix(state, None if weights == wrapper else weights)
    if prefix:
        notes.append(f"stripped the prefix {prefix!r}")
    inside, dropped = _split(state, prefix)
    spec = raw.spec or _carried_spec(found, prefix)
    return Contents(inside, raw.config, raw.preprocessor, spec, wrapper, tuple(notes)), dropped


def _wrapper(found: Mapping[str, Any], weights: str | None) -> str | None:
    names = [name for name in _WRAPPERS if isinstance(found.get(name), Mapping)]
    if weights is None:
        return next(iter(names), None)
    if isinstance(found.get(weights), Mapping):
        return weights
    return next(iter(names), None)


def _prefix(state: Mapping[str, Tensor], asked: str | None) -> str:
    prefixes = sorted(
        {
            key.removesuffix(anchor)
            for key in state
            for anchor in _ANCHORS
            if key == anchor or key.endswith(f".{anchor}")
        }
    )
    if asked is not None:
        if f"{asked.rstrip('.')}." not in prefixes:
            raise CheckpointError(
                f"backbone.weights={asked} is neither an entry of the file nor a prefix of a backbone in it; prefixes: "
                f"{', '.join(map(repr, prefixes)) or 'none'}"
            )
        return f"{asked.rstrip('.')}."
    if len(prefixes) > 1 and "" not in prefixes:
        raise CheckpointError(
            f"the checkpoint holds several backbones: {', '.join(prefixes)}; choose one, for instance "
            f"backbone.weights={prefixes[0].rstrip('.')}"
        )
    return prefixes[0] if prefixes else ""


def _split(state: dict[str, Tensor], prefix: str) -> tuple[dict[str, Tensor], tuple[tuple[str, str], ...]]:
    """Divides tensors under the prefix, which is stripped, from known heads beside it."""
    inside = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
    dropped, strange = [], []
    for key in (key for key in state if not key.startswith(prefix)):
        reason = next((reason for pattern, reason in _BESIDE if re.match(pattern, key)), None)
        (dropped if reason else strange).append((key, reason))
    if strange:
        names = sorted(key for key, _ in strange)
        raise UnexpectedKeysError(f"keys beside {prefix}*: {', '.join(names[:10])}")
    return inside, tuple(sorted(dropped))


def _carried_spec(found: Mapping[str, Any], prefix: str) -> Mapping[str, Any] | None:
    """Returns the spec that ``VisionTransformer`` puts beside the version of its module in a state dict."""
    metadata = getattr(found, "_metadata", {})
    carried = metadata.get(prefix.rstrip("."), {}) if isinstance(metadata, Mapping) else {}
    spec = carried.get(SPEC_KEY) if isinstance(carried, Mapping) else None
    return spec if isinstance(spec, Mapping) else None
