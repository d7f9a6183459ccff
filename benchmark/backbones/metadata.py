"""Metadata of a checkpoint: a folder's configs, the arguments in a training file, the spec in a file of DenseBench.

They come after what a user passes explicitly and before what a layout implies; a config comes before arguments. Sizes
that can be inferred from the tensors too must agree.

    config.json of transformers        hidden_size, num_attention_heads, layer_norm_eps, image_size, ...
    config.json of timm                model_args, pretrained_cfg: img_size, input_size, mean, std
    preprocessor_config.json, or image_processor of processor_config.json       image_mean, image_std, rescaling
    args, hyper_parameters, hparams, config of a training file                  the same names, at the top
    spec of a file of ours             everything; ``layouts/densebench.py`` reads what is compared with no tensor
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from benchmark.backbones.spec import ASSUMED_KEY, Preprocessing
from benchmark.errors import StructureError

T = TypeVar("T")

_HALF = (0.5, 0.5, 0.5)
_CLIP = Preprocessing((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
# What the released models of a family were trained with, where that is not ImageNet's statistics.
_USUAL = {
    **dict.fromkeys(("vit", "beit", "siglip", "siglip_vision_model"), Preprocessing(_HALF, _HALF)),
    **dict.fromkeys(("clip", "clip_vision_model"), _CLIP),
}

# Their code, in transformers and of the authors, takes positions for a square whatever the images were.
ALWAYS_SQUARE = ("dinov2", "dinov2_with_registers")

# What configs call it, in the order they are asked.
_IMAGE_SIZE = ("image_size", "img_size", "input_size")
_HEADS = ("num_attention_heads", "num_heads")
_EPS = ("layer_norm_eps", "norm_eps")
_SIZES = {
    "embed_dim": ("hidden_size", "embed_dim"),
    "depth": ("num_hidden_layers", "depth"),
    "num_registers": ("num_register_tokens", "reg_tokens", "num_reg_tokens", "num_registers", "n_storage_tokens"),
}
# Fields of our own spec that can be inferred from the tensors too.
_COMPARED = (
    "embed_dim", "depth", "patch_size", "num_registers", "attention_bias", "specialization", "ffn", "ffn_dim",
    "qkv_bias", "layer_scale",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CheckpointMetadata:
    """What is stored beside the weights; None for what is not stated."""

    image_size: tuple[int, int] | None = None
    """Height and width that the position grid belongs to, pixels."""

    num_heads: int | None = None
    norm_eps: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    sizes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the spec that the tensors must agree with."""

    assumed: tuple[str, ...] = ()
    """Options that were assumed when a file of ours was written; its spec then holds an assumption."""

    origin: str = ""
    """Where it was read, for messages."""

    mend: str = ""
    """What to do if it does not belong to the weights, for messages."""


def read_metadata(
    config: Mapping[str, Any],
    preprocessor: Mapping[str, Any],
    arguments: Mapping[str, Any],
    spec: Mapping[str, Any] | None,
) -> CheckpointMetadata:
    """Reads what is stored beside the weights; see ``CheckpointWeights`` for the arguments.

    Raises:
        StructureError: A config or spec holds something else than it should.
    """
    if spec is not None:
        return _of_spec(spec)
    try:
        return _joined(_of_config(config, preprocessor), _of_arguments(arguments))
    except (TypeError, ValueError) as error:
        raise StructureError(f"a config beside the weights cannot be read: {error}") from error


def usual_preprocessing(config: Mapping[str, Any]) -> Preprocessing:
    """Returns the statistics that are assumed for a ``config.json`` with none beside it."""
    return _USUAL.get(str(config.get("model_type")), Preprocessing())


def stated_statistics(
    config: Mapping[str, Any], preprocessor: Mapping[str, Any]
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Returns the mean and std that configs state, for RGB in [0, 1]; None for what they do not.

    transformers multiplies 8-bit values with ``rescale_factor`` before it normalises, timm with 1/255.

    Raises:
        TypeError, ValueError: A value that is not a number, or not three.
    """
    if not preprocessor:
        timm_config = config.get("pretrained_cfg")
        timm_config = timm_config if isinstance(timm_config, Mapping) else {}
        return _three(timm_config.get("mean")), _three(timm_config.get("std"))
    mean, std = _three(preprocessor.get("image_mean")), _three(preprocessor.get("image_std"))
    if preprocessor.get("do_normalize") is False:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    scale = 255 * float(preprocessor.get("rescale_factor", 1 / 255))
    if preprocessor.get("do_rescale") is False:  # it was given [0, 1], or else statistics are for [0, 255]
        scale = 255.0 if mean and max(mean) > 1 else 1.0
    if math.isclose(scale, 1, rel_tol=1e-6):
        return mean, std
    return tuple(value / scale for value in mean or ()) or None, tuple(value / scale for value in std or ()) or None


def _of_config(config: Mapping[str, Any], preprocessor: Mapping[str, Any]) -> CheckpointMetadata:
    inner = [config.get(name) for name in ("model_args", "pretrained_cfg")]
    model_args, pretrained = (section if isinstance(section, Mapping) else {} for section in inner)
    places = (model_args, config, pretrained)
    mean, std = stated_statistics(config, preprocessor)
    eps, heads = _first(places, _EPS), _first(places, _HEADS)
    sizes = {name: _first(places, names) for name, names in _SIZES.items()}
    patch = pair(_first(places, ("patch_size",)))
    sizes["patch_size"] = None if patch is None else patch[0]
    image = pair(_first(places, _IMAGE_SIZE))
    return CheckpointMetadata(
        image_size=None if config.get("model_type") in ALWAYS_SQUARE and image and image[0] != image[1] else image,
        num_heads=None if heads is None else int(heads),
        norm_eps=None if eps is None else float(eps),
        mean=mean,
        std=std,
        sizes={name: int(value) for name, value in sizes.items() if value is not None},
        origin="the config beside the weights",
        mend="if it is another model's, take the weights away from it",
    )


def _of_arguments(arguments: Mapping[str, Any]) -> CheckpointMetadata:
    """Reads arguments of a script that is not known: what is not formed like the fact is another thing of its name."""

    def first(names: Sequence[str], read: Callable[[Any], T | None]) -> T | None:
        return next((value for name in names if (value := read(arguments.get(name))) is not None), None)

    patch = first(("patch_size",), _pair_or_none)
    sizes = {
        name: first(names, _count_or_none if name == "num_registers" else _positive_or_none)
        for name, names in _SIZES.items()
    }
    sizes["patch_size"] = patch and patch[0]
    return CheckpointMetadata(
        image_size=first(_IMAGE_SIZE, _pair_or_none),
        num_heads=first(_HEADS, _positive_or_none),
        norm_eps=first(_EPS, _eps_or_none),
        mean=first(("mean",), _share_or_none),
        std=first(("std",), _share_or_none),
        sizes={name: value for name, value in sizes.items() if value is not None},
        origin="the record of training arguments in the file",
        mend="if it is of something else, save the state dict alone",
    )


def _joined(first: CheckpointMetadata, second: CheckpointMetadata) -> CheckpointMetadata:
    """Returns what the first states, and of the rest what the second states.

    Raises:
        StructureError: They state different sizes, so that one of them does not belong to these weights.
    """
    for name in first.sizes.keys() & second.sizes.keys():
        if first.sizes[name] != second.sizes[name]:
            raise StructureError(
                f"{first.origin} says {name} {first.sizes[name]}, {second.origin} {second.sizes[name]}; "
                f"{first.mend}, or {second.mend}"
            )
    joined = {
        name: value if value is not None else getattr(second, name)
        for name, value in vars(first).items()
        if name not in ("sizes", "origin", "mend")
    }
    stating = [metadata for metadata in (first, second) if metadata.sizes or metadata.image_size]
    return CheckpointMetadata(
        **joined,
        sizes={**first.sizes, **second.sizes},
        origin=" or ".join(metadata.origin for metadata in stating),
        mend=", or ".join(metadata.mend for metadata in stating),
    )


def _of_spec(spec: Mapping[str, Any]) -> CheckpointMetadata:
    origin = "the spec inside the checkpoint"
    try:
        grid, patch = spec.get("grid_size"), spec.get("patch_size")
        rows, columns = pair(grid) or (0, 0)
        image = (rows * int(patch), columns * int(patch)) if grid is not None else None
        assumed = tuple(map(str, spec.get(ASSUMED_KEY, ())))
    except (TypeError, ValueError) as error:
        raise StructureError(f"{origin} cannot be read: {error}") from error
    sizes = {name: spec[name] for name in _COMPARED if name in spec}
    return CheckpointMetadata(image_size=image, sizes=sizes, assumed=assumed, origin=origin)


def _first(places: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Any:
    """Returns the first value that is there, asking every name in a place before the next place."""
    return next((place[name] for place in places for name in names if place.get(name) is not None), None)


def pair(value: Any) -> tuple[int, int] | None:
    """Reads a side, [height, width] or [channels, height, width] as height and width; None as None.

    Raises:
        ValueError: Something else.
    """
    if value is None:
        return None
    sides = (value, value) if isinstance(value, int) else tuple(value)[-2:] if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise ValueError(f"a size must be a side, [height, width] or [channels, height, width], not {value!r}")
    return sides


def _pair_or_none(value: Any) -> tuple[int, int] | None:
    try:
        return pair(value)
    except ValueError:
        return None


def _count_or_none(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _positive_or_none(value: Any) -> int | None:
    return _count_or_none(value) or None


def _eps_or_none(value: Any) -> float | None:
    """Reads a small positive number, also one that YAML leaves a string, as it does with ``1e-6``."""
    try:
        number = float(value) if isinstance(value, float | str) else math.nan
    except ValueError:
        return None
    return number if 0 < number < 1 else None


def _three(value: Any) -> tuple[float, ...] | None:
    """Reads one number per channel, or one for all.

    Raises:
        TypeError, ValueError: Something else.
    """
    if value is None:
        return None
    values = (value,) * 3 if isinstance(value, int | float) else tuple(value)
    if len(values) != 3:
        raise ValueError(f"mean and std must be three numbers, not {value!r}")
    return tuple(float(each) for each in values)


def _share_or_none(value: Any) -> tuple[float, ...] | None:
    """Reads three numbers in [0, 1]; others are for images of another scale."""
    try:
        values = _three(value) if isinstance(value, list | tuple) else None
    except (TypeError, ValueError):
        return None
    return values if values and all(0 <= each <= 1 for each in values) else None
