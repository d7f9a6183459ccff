"""Training files: which of the models in a file is read, and what is left out.

A training file is a tree: entries (``teacher``, ``optimizer``) that hold dicts, and in a dict of tensors prefixes under
which modules stand. A backbone is where an anchor of a layout is (see ``layouts``), and ``ENTRY.PREFIX`` is its name,
less the names that wrappers of modules leave in keys.
"""

from __future__ import annotations

import argparse
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from benchmark.backbones.layouts import ANCHORS
from benchmark.backbones.spec import SPEC_KEY
from benchmark.backbones.state_dict import MASKS, CheckpointWeights, rename
from benchmark.backbones.weight_files import RawCheckpoint
from benchmark.errors import CheckpointError, UnexpectedKeysError, UnknownFormatError

# Where training code puts the weights; a teacher is the model that is released.
_WRAPPERS = ("teacher", "model", "state_dict", "model_state_dict")
# Where training code puts its arguments.
_ARGUMENTS = ("args", "hyper_parameters", "hparams", "config")
# Names that DDP, DataParallel, FSDP, activation checkpointing, Fabric and torch.compile put between a module and its
# own, at any depth and in any order.
_ARTIFACTS = re.compile(
    r"(?:^|(?<=\.))(?:module|_orig_mod|_forward_module|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module)\."
)
# What may be stored beside a backbone, by the beginning of its keys.
_BESIDE = (
    (
        re.compile(
            r"(dino_head|ibot_head|dino_loss|ibot_patch_loss|koleo_loss|gram_loss|projector|predictor|projection_head|"
            r"prediction_head)\.|(queue|queue_ptr|center)$"
        ),
        "head of pre-training",
    ),
    (
        re.compile(r"(decode_head|auxiliary_head|head|\w*classifier|fc|linear|linear_head|criterion|loss)\."),
        "head of a task",
    ),
    (re.compile(r"decoder\."), "decoder of MAE pre-training"),
)
# torch.optim.swa_utils.AveragedModel and others keep these beside the averaged weights.
_COUNTERS = re.compile(r"(n_averaged|initted|step|num_updates|decay)$")
_DEEPEST = 4


@dataclass(frozen=True)
class _Model:
    """A backbone in a file."""

    entries: tuple[str, ...]
    """The way to the dict that its tensors are in."""

    prefix: str
    """What its keys there begin with, less the names of wrappers; empty or with a dot at the end."""

    written: str
    """The prefix as the file writes it."""

    @property
    def name(self) -> str:
        """What ``backbone.weights`` may call it."""
        return ".".join((*self.entries, self.written)).rstrip(".")


def unwrap(raw: RawCheckpoint, weights: str | None = None) -> tuple[CheckpointWeights, tuple[tuple[str, str], ...]]:
    """Finds the backbone's tensors inside a file.

    Takes the backbone that ``weights`` names, else that of the first of ``teacher``, ``model``, ``state_dict``,
    ``model_state_dict`` that has one, else that of the file. Cuts the names of wrappers out of its keys and its prefix
    off, and leaves out other models, known heads and the like.

    Args:
        raw: The file.
        weights: Name of a backbone, or what only one name begins with: ``student``, ``model_ema``,
            ``teacher.backbone``, ``state_dict.base_encoder``. The name of the default entry may be omitted.

    Returns:
        The contents, and (key, reason) of every tensor left out of the dict that holds the backbone.

    Raises:
        UnknownFormatError: A value among the tensors is not a tensor.
        UnexpectedKeysError: Keys beside the backbone that are not a known head.
        CheckpointError: ``weights`` names no backbone of the file, or one must be chosen.
    """
    models = sorted(_models(raw.contents), key=lambda model: model.name)
    usual = _usual_entry(raw.contents, models)
    model = _chosen(raw.contents, models, usual, weights)
    tensors, others = _tensors(raw.contents, model), _others(models, model)
    if foreign := _foreign(tensors):
        raise UnknownFormatError(f"the state dict holds values that are not tensors: {', '.join(foreign[:10])}")
    inside, dropped, strange = _divided(tensors, model, others)
    if strange:
        raise UnexpectedKeysError(
            f"keys beside {model.written}*: {', '.join(strange[:10])}; if the backbone does without them, save it alone"
        )
    notes = [*raw.notes]
    if model.entries:
        notes.append(f"took {'.'.join(model.entries)!r} of {sorted(map(str, raw.contents))}")
    if any(_plain(key) != key for key in tensors):
        notes.append("cut the names of DDP, FSDP, checkpointing or torch.compile out of the keys")
    if model.prefix:
        notes.append(f"stripped the prefix {model.prefix!r}")
    if others:
        notes.append(f"left out {', '.join(repr(other.name) for other in others)}; backbone.weights takes another")
    contents = CheckpointWeights(
        state=inside,
        config=raw.config,
        preprocessor=raw.preprocessor,
        arguments=arguments_of(raw.contents),
        spec=raw.spec or _carried_spec(tensors, model.prefix),
        wrapper=usual,
        sibling_keys=_sibling_keys(raw.contents, models, inside),
        notes=tuple(notes),
    )
    return contents, dropped


def _plain(key: str) -> str:
    """Cuts the names of wrappers out of a key."""
    return _ARTIFACTS.sub("", key)


def _models(tree: Mapping[Any, Any], entries: tuple[str, ...] = ()) -> Iterator[_Model]:
    """Finds the backbones of a file: every prefix before an anchor of a layout, in every dict."""
    prefixes: dict[str, str] = {}
    for key, value in tree.items():
        if not isinstance(key, str):
            continue
        if isinstance(value, Mapping) and len(entries) < _DEEPEST:
            yield from _models(value, (*entries, key))
        for anchor in ANCHORS if isinstance(value, Tensor) else ():
            if f".{_plain(key)}".endswith(f".{anchor}"):
                prefixes.setdefault(_plain(key).removesuffix(anchor), _before(key, anchor))
    for prefix, written in prefixes.items():
        yield _Model(entries, prefix, written)


def _before(key: str, anchor: str) -> str:
    """Returns what stands before an anchor in a key, with the names of wrappers there."""
    parts, wanted = key.split("."), anchor.count(".") + 1
    while wanted:
        wanted -= _plain(f"{parts.pop()}.") != ""
    return "".join(f"{part}." for part in parts)


def _usual_entry(tree: Mapping[Any, Any], models: Sequence[_Model]) -> str | None:
    """Returns the entry that is taken by default; None if that is the file itself, or there is none."""
    holding = {model.entries[0] for model in models if model.entries}
    holding = holding or {name for name in _WRAPPERS if isinstance(tree.get(name), Mapping)}
    return next((name for name in _WRAPPERS if name in holding), None)


def _chosen(tree: Mapping[Any, Any], models: Sequence[_Model], usual: str | None, weights: str | None) -> _Model:
    if weights is not None and (models or not isinstance(tree.get(weights), Mapping)):
        candidates = _named(models, usual, weights)
        if not candidates:
            raise CheckpointError(f"backbone.weights={weights} names no backbone of the file; {_listed(models, usual)}")
    elif not models:  # the layouts will say what it is
        entry = usual if weights is None else weights
        return _Model((entry,) if entry is not None else (), "", "")
    else:
        candidates = [model for model in models if model.entries[:1] == _entries(usual)] or models
        if len({model.entries for model in candidates}) == 1:  # a model around its own average is the model
            candidates = [model for model in candidates if not model.prefix] or candidates
    if len(candidates) == 1:
        return candidates[0]
    working = [model for model in candidates if _is_explained(_tensors(tree, model), model, _others(models, model))]
    raise CheckpointError(f"the checkpoint holds several backbones; {_listed(working or candidates, usual)}")


def _named(models: Sequence[_Model], usual: str | None, asked: str) -> list[_Model]:
    """Returns the models that are called so, else those whose names begin so; the usual entry may be omitted."""
    asked = _plain(f"{asked}.").rstrip(".")
    whole = {model: _plain(f"{model.name}.").rstrip(".") for model in models}
    short = {model: model.prefix.rstrip(".") for model in models if model.entries == _entries(usual)}
    for names in (whole, short):
        if exact := [model for model, name in names.items() if name == asked]:
            return exact
    begun = (model for names in (whole, short) for model, name in names.items() if name.startswith(f"{asked}."))
    return [*dict.fromkeys(begun)]


def _listed(models: Sequence[_Model], usual: str | None) -> str:
    """Lists what may be chosen, as it is given."""
    names = []
    for model in models:
        short = model.written.rstrip(".")
        names.append(short if short and _named(models, usual, short) == [model] else model.name)
    choices = [f"backbone.weights={name}" for name in names if name]
    ways = [f"choose {' or '.join(choices)}"] if choices else []
    if "" in names and usual is None:  # it has no name and is the one that is taken without
        ways.append("leave backbone.weights out")
    return ", or ".join(ways) if ways else "there is none"


def _entries(entry: str | None) -> tuple[str, ...]:
    return () if entry is None else (entry,)


def _tensors(tree: Mapping[Any, Any], model: _Model) -> Mapping[str, Tensor]:
    """Returns the dict that holds a model."""
    for entry in model.entries:
        tree = tree[entry]
    return tree


def _foreign(tensors: Mapping[Any, Any]) -> list[str]:
    """Lists the keys whose values are not tensors."""
    return [str(key) for key, value in tensors.items() if not isinstance(value, Tensor) or not isinstance(key, str)]


def _is_explained(tensors: Mapping[str, Tensor], model: _Model, others: Sequence[_Model]) -> bool:
    """Tells whether a rule covers every key beside a model."""
    return not _foreign(tensors) and not _divided(tensors, model, others)[2]


def _others(models: Sequence[_Model], model: _Model) -> list[_Model]:
    """Returns the other models in the dict of one."""
    return [other for other in models if other.entries == model.entries and other != model]


def _divided(
    tensors: Mapping[str, Tensor], model: _Model, others: Sequence[_Model]
) -> tuple[dict[str, Tensor], tuple[tuple[str, str], ...], list[str]]:
    """Divides a dict into a model, without its prefix, what is left out, with reasons, and what no rule covers."""
    roots = {_root(other.prefix, model.prefix): f"of another model: {other.name}" for other in others}
    within = tuple(root for root in roots if root != model.prefix and root.startswith(model.prefix))
    inside, dropped, strange = {}, [], []
    for key, tensor in tensors.items():
        plain = _plain(key)
        counter = _COUNTERS.match(plain.removeprefix(model.prefix))
        if plain.startswith(model.prefix) and not plain.startswith(within) and not counter:
            inside[key] = tensor
        elif reason := _reason(plain, model.prefix, roots):
            dropped.append((key, reason))
        else:
            strange.append(key)
    named = rename(inside, lambda key: _plain(key).removeprefix(model.prefix))
    return named, tuple(sorted(dropped)), sorted(strange)


def _root(other: str, mine: str) -> str:
    """Returns where another model begins: the first of its modules that is none of those around mine."""
    root = ""
    for part in other.split(".")[:-1]:
        root += f"{part}."
        if not mine.startswith(root):
            break
    return root


def _reason(key: str, prefix: str, roots: Mapping[str, str]) -> str | None:
    """Returns why a key beside a model is left out; None for a key that no rule covers."""
    around = [prefix[:end] for end, letter in enumerate(f".{prefix}") if letter == "." and end < len(prefix)]
    names = [key.removeprefix(outer) for outer in around if key.startswith(outer)]
    if any(_COUNTERS.match(name) for name in (key.removeprefix(prefix), *names)):
        return "counter of an averaged model"
    known = (reason for pattern, reason in _BESIDE if any(pattern.match(name) for name in names))
    other = (reason for root, reason in roots.items() if key.startswith(root))
    return next(known, next(other, None))


def _sibling_keys(tree: Mapping[Any, Any], models: Sequence[_Model], inside: Mapping[str, Tensor]) -> frozenset[str]:
    """Lists the mask tokens that only other copies of a backbone have: a student has one where its teacher has none."""
    masks: set[str] = set()
    for model in models:
        plain = (_plain(str(key)) for key in _tensors(tree, model))
        names = {key.removeprefix(model.prefix) for key in plain if key.startswith(model.prefix)}
        masks |= {name for name in names - inside.keys() if re.match(MASKS, name)}
    return frozenset(masks)


def arguments_of(tree: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Returns the arguments of the script that wrote the file; where entries differ, the first one's."""
    arguments = [vars(value) if isinstance(value, argparse.Namespace) else value for value in map(tree.get, _ARGUMENTS)]
    return ChainMap(*(value for value in arguments if isinstance(value, Mapping)))


def _carried_spec(tensors: Mapping[str, Any], prefix: str) -> Mapping[str, Any] | None:
    """Returns the spec that ``VisionTransformer`` puts beside the version of its module in a state dict."""
    metadata = getattr(tensors, "_metadata", {})
    carried = metadata.items() if isinstance(metadata, Mapping) else ()
    matching = [
        value for name, value in carried if _plain(f"{name}.".lstrip(".")) == prefix and isinstance(value, Mapping)
    ]
    specs = (value.get(SPEC_KEY) for value in matching)
    return next((spec for spec in specs if isinstance(spec, Mapping)), None)
