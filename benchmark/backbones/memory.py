"""A backbone from a module in memory: one that is being trained, or that no file describes.

The module is used where it lies and as it is. Nothing of it is copied, changed or kept.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones.adapters import try_out, weights_sha256
from benchmark.backbones.infer_spec import refuse_options
from benchmark.backbones.returned import ACCEPTED, by_layer
from benchmark.backbones.spec import BackboneSpec, Preprocessing, Source
from benchmark.backbones.tokens import Tokens
from benchmark.backbones.vit import VisionTransformer
from benchmark.backbones.weight_files import first_line
from benchmark.errors import CheckpointError, DenseBenchError, InputSizeError

LAYOUT = "memory"
"""Layout of such a backbone in records; its checkpoint is ``memory:CLASS``."""

T = TypeVar("T")

ToTokens = Callable[[Tensor], Any]
"""From images (B, 3, H, W), normalised, to what ``returned.ACCEPTED`` says."""

_SHARDED = ("FullyShardedDataParallel", "FSDPModule", "DTensor")
_TRIED_GRID = (12, 16)
_USUAL_SIDE = 224  # pixels; what models of one size take
_ANY_SIZE = (
    "timm's models take any size with dynamic_img_size=True, some of transformers' with interpolate_pos_encoding"
)


class ModuleInMemory(nn.Module):
    """A `Backbone` around a module that somebody else owns.

    Args:
        module: Holds the weights.
        spec: Its architecture and preprocessing.
        source: Its origin.
        layers: From images (B, 3, H, W), layers and norm to the tokens of these layers.
    """

    def __init__(
        self, module: nn.Module, spec: BackboneSpec, source: Source, layers: Callable[..., list[Tokens]]
    ) -> None:
        super().__init__()
        self.module, self.spec, self.source = module, spec, source
        self.training = False  # its own flag: those of the module are its owner's
        self._layers = (layers,)  # in a tuple: torch would count a module's weights twice
        self._dtype = _weights_dtype(module)
        self.only_grid: tuple[int, int] | None = None
        """Patch rows and columns of the one size of images it takes; None for any size."""

    @torch.no_grad()
    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Maps images (B, 3, H, W) to tokens; see ``Backbone``. Images are cast to the dtype of the weights.

        Raises:
            InputSizeError: Images of another size than the one the module takes.
        """
        patch, (height, width) = self.spec.patch_size, images.shape[-2:]
        if self.only_grid not in (None, (height // patch, width // patch)):
            own = "x".join(str(count * patch) for count in self.only_grid)
            name = self.source.checkpoint
            raise InputSizeError(f"{name} takes images of {own} only, not {height}x{width}; {_ANY_SIZE}")
        return self._layers[0](images.to(self._dtype), layers=layers, norm=norm)


def unwrapped(module: nn.Module) -> nn.Module:
    """Returns what ``torch.compile``, ``DataParallel`` or ``DistributedDataParallel`` was put around."""
    while True:
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            module = module.module
        elif isinstance(getattr(module, "_orig_mod", None), nn.Module):  # what torch.compile returns
            module = module._orig_mod
        else:
            return module


def device_of(module: nn.Module) -> torch.device | None:
    """Returns where all weights lie, None for a module without any.

    Raises:
        CheckpointError: They lie in several places or where no benchmark runs, or are shards of a whole.
    """
    tensors = [*module.parameters(), *module.buffers()]
    name = type(module).__name__
    kinds = {kind.__name__ for each in (*module.modules(), *tensors) for kind in type(each).__mro__}
    if kinds.intersection(_SHARDED):
        raise CheckpointError(
            f"{name} is sharded (FSDP or DTensor), so no process has all of its weights; gather the full state dict "
            "and evaluate a module that holds it"
        )
    devices = {each.device for each in tensors}
    if len(devices) > 1:
        raise CheckpointError(f"{name} lies on {', '.join(sorted(map(str, devices)))}; it must be on one device")
    device = next(iter(devices), None)
    if device is not None and device.type not in ("cpu", "cuda"):
        raise CheckpointError(f"{name} lies on {device}; benchmarks run on cpu and cuda")
    return device


def from_memory(
    module: nn.Module, function: ToTokens | None, options: BackboneOptions, device: torch.device
) -> ModuleInMemory:
    """Makes a backbone of a module as it is now.

    Args:
        module: In evaluation mode. Without ``function``, it has a ``BackboneSpec`` as ``spec`` and a method
            ``tokens(images, *, layers, norm)``, as a `VisionTransformer` has, or else a method ``tokens(images)``,
            which is the function.
        function: What turns images into tokens. Where it returns a list, that has the tokens of every block; else
            there is one layer that protocols can ask for. It is not asked for a final norm: what it returns counts.
        options: Of these ``mean`` and ``std`` apply, and to a `VisionTransformer` rules of resizing positions.
        device: Where the module lies.

    Raises:
        CheckpointError: It has no tokens, its patch size is not to be found, or what it returns does not fit.
    """
    name = f"{LAYOUT}:{type(module).__name__}"
    own = getattr(module, "tokens", None)
    if function is None and not callable(own):
        raise CheckpointError(f"{type(module).__name__} has no method tokens(images); {_how(module)}")
    ours = function is None and isinstance(module, VisionTransformer)
    refuse_options(options, ("mean", "std", *(("interpolate_offset", "interpolate_antialias") if ours else ())), name)
    spec = getattr(module, "spec", None)
    code = "" if function is None else code_of(function)
    notes = [] if _weights_dtype(module) == torch.float32 else [f"runs in {_weights_dtype(module)}, as its weights are"]
    if function is None and isinstance(spec, BackboneSpec):
        module, spec = _with_options(module, spec, options)
        layers, assumed = module.tokens, getattr(getattr(module, "source", None), "assumed", ())
    else:
        function = function or own
        spec, assumed, found = _examine(module, function, name, options, device)
        notes += found
        layers = functools.partial(_layers, function, spec, name)
    source = Source(
        checkpoint=name,
        sha256=weights_sha256(module, code.encode()),
        layout=LAYOUT,
        notes=tuple(notes),
        assumed=tuple(option for option in assumed if getattr(options, option) is None),
    )
    backbone = ModuleInMemory(module, spec, source, layers)

    def answers(grid: tuple[int, int]) -> None:
        backbone.only_grid = grid
        try_out(backbone, name, device)

    _, grid = _tried(answers, spec.patch_size, name)
    backbone.only_grid = None if grid == _TRIED_GRID else grid
    return backbone


def _with_options(module: nn.Module, spec: BackboneSpec, options: BackboneOptions) -> tuple[nn.Module, BackboneSpec]:
    """Returns a module that computes as the options say, and what that is."""
    usual = spec.preprocessing
    given = replace(spec, preprocessing=Preprocessing(options.mean or usual.mean, options.std or usual.std))
    rule = getattr(spec, "position_interpolation", None)
    asked = {"offset": options.interpolate_offset, "antialias": options.interpolate_antialias}
    asked = {key: value for key, value in asked.items() if value is not None}
    if rule is None or not asked:
        return module, given
    given = replace(given, position_interpolation=replace(rule, **asked))
    twin = copy.copy(module)  # the same weights and submodules under another spec
    twin.spec = given
    return twin, given


def _examine(
    module: nn.Module, function: ToTokens, name: str, options: BackboneOptions, device: torch.device
) -> tuple[BackboneSpec, tuple[str, ...], list[str]]:
    """Finds out what a function returns; returns the spec, which options are assumed, and notes."""
    stated = getattr(module, "spec", None)
    patch, notes = _patch_size(module, lambda size: function(_blank(size, module, device)))
    mean, std = _normalisation(module)
    preprocessing = stated.preprocessing if isinstance(stated, BackboneSpec) else Preprocessing()
    assumed = (
        ()
        if isinstance(stated, BackboneSpec)
        else tuple(option for option, value in (("mean", mean), ("std", std)) if value is None)
    )

    @torch.no_grad()
    def answer(grid: tuple[int, int]) -> list[Tokens]:
        return by_layer(function(_blank((grid[0] * patch, grid[1] * patch), module, device)), grid, name)

    found, _ = _tried(answer, patch, name)
    last = found[-1]
    spec = BackboneSpec(
        arch=stated.arch if isinstance(stated, BackboneSpec) else f"{type(module).__name__}/{patch}",
        embed_dim=last.patches.shape[-1],
        depth=len(found),
        patch_size=patch,
        num_registers=last.registers.shape[1],
        preprocessing=Preprocessing(
            options.mean or mean or preprocessing.mean, options.std or std or preprocessing.std
        ),
    )
    layers = "one layer" if len(found) == 1 else f"{len(found)} layers"
    notes.append(f"its function gives {layers}: features.norm changes nothing")
    return spec, assumed, notes


def _layers(
    function: ToTokens, spec: BackboneSpec, name: str, images: Tensor, *, layers: Sequence[int], norm: bool
) -> list[Tokens]:
    """Asks a function for the tokens of some layers; ``norm`` is not for it to choose."""
    grid = images.shape[-2] // spec.patch_size, images.shape[-1] // spec.patch_size
    found = by_layer(function(images), grid, name)
    if len(found) != spec.depth:
        raise CheckpointError(f"{name} returned tokens of {len(found)} layers, of the first images {spec.depth}")
    return [found[range(spec.depth)[layer]] for layer in layers]


@torch.no_grad()
def _patch_size(module: nn.Module, answer: Callable[[tuple[int, int]], Any]) -> tuple[int, list[str]]:
    """Returns the side of a patch in pixels, and a note where no attribute tells it.

    Args:
        module: Whose attributes or first convolution tell it.
        answer: From height and width to what the function returns, whose ``Tokens`` have a grid.

    Raises:
        CheckpointError: Nothing tells.
    """
    holders = (getattr(module, "spec", None), module, getattr(module, "patch_embed", None),
               getattr(module, "config", None))  # fmt: skip
    for holder in holders:
        side = _side(getattr(holder, "patch_size", None))
        if side is not None:
            return side, []
    for each in module.modules():
        if isinstance(each, nn.Conv2d) and each.in_channels == 3 and each.kernel_size == each.stride:
            side = _side(each.kernel_size)
            if side is not None:
                return side, [f"patch size {side}: that of its first convolution of images"]
    try:
        found = answer((_USUAL_SIDE, _USUAL_SIDE))
        found = found[0] if isinstance(found, list | tuple) and found else found
    except Exception as error:  # foreign code fails in any way
        raise CheckpointError(f"{_no_patch_size(module)} ({type(error).__name__}: {first_line(error)})") from error
    if isinstance(found, Tokens) and found.grid[0] > 0 and found.grid[0] == found.grid[1]:
        side = _USUAL_SIDE // found.grid[0]
        return side, [f"patch size {side}: its tokens of {_USUAL_SIDE} pixels are {found.grid[0]} in a row"]
    raise CheckpointError(_no_patch_size(module))


def _no_patch_size(module: nn.Module) -> str:
    return f"the patch size of {type(module).__name__} is not to be found; set it in pixels, model.patch_size = 16"


def _side(value: Any) -> int | None:
    """Returns the side of a square, of a number or two equal ones."""
    sides = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    fits = len(set(sides)) == 1 and isinstance(sides[0], int) and not isinstance(sides[0], bool) and sides[0] > 0
    return sides[0] if fits else None


def _normalisation(module: nn.Module) -> list[tuple[float, float, float] | None]:
    """Returns mean and std, where the module holds them as timm's models do."""
    held = getattr(module, "pretrained_cfg", None)
    values = [held.get(name) for name in ("mean", "std")] if isinstance(held, Mapping) else [None, None]
    return [tuple(value) if isinstance(value, Sequence) and len(value) == 3 else None for value in values]


def _weights_dtype(module: nn.Module) -> torch.dtype:
    """Returns the dtype of the first weights, where images enter."""
    return next((each.dtype for each in module.parameters() if each.is_floating_point()), torch.float32)


def _tried(call: Callable[[tuple[int, int]], T], patch: int, name: str) -> tuple[T, tuple[int, int]]:
    """Returns what comes of images of no usual size, or else of the one size that many models take; and their grid.

    Raises:
        CheckpointError: Neither can be had.
    """
    usual = -(-_USUAL_SIDE // patch)
    reason: Exception | None = None
    for grid in (_TRIED_GRID, (usual, usual)):
        try:
            return call(grid), grid
        except DenseBenchError:
            raise
        except Exception as error:  # foreign code fails in any way
            reason = reason or error
    sizes = " or ".join(f"{rows * patch}x{columns * patch}" for rows, columns in (_TRIED_GRID, (usual, usual)))
    raise CheckpointError(
        f"{name} cannot be run on images of {sizes}: {type(reason).__name__}: {first_line(reason)}"
    ) from reason


def _blank(size: tuple[int, int], module: nn.Module, device: torch.device) -> Tensor:
    return torch.zeros(1, 3, *size, device=device, dtype=_weights_dtype(module))


def _how(module: nn.Module) -> str:
    """Says how to evaluate a module without tokens."""
    if callable(getattr(module, "forward_features", None)):  # timm, DINOv2
        return "give (model, model.forward_features)"
    if hasattr(module, "config"):  # transformers
        return "give (model, lambda images: model(images).last_hidden_state)"
    return f"give (model, function) with a function from images (B, 3, H, W) to one of: {ACCEPTED}"


def code_of(function: Any) -> str:
    """Writes down what a function computes, so that another one on the same weights is another model.

    That is its bytecode, constants and names, and the plain values that it is closed over or called with.
    """
    if isinstance(function, functools.partial):
        return f"{code_of(function.func)} {_plain(function.args)} {_plain(sorted(function.keywords.items()))}"
    inner = getattr(function, "__func__", function)
    code = getattr(inner, "__code__", None)
    if code is None:
        return type(function).__qualname__
    held = [cell.cell_contents for cell in inner.__closure__ or ()]
    return f"{inner.__qualname__} {_bytecode(code)} {_plain(held)} {_plain(inner.__defaults__)}"


def _bytecode(code: CodeType) -> str:
    constants = [_bytecode(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names}"


def _plain(value: Any) -> str:
    """Writes numbers, texts and what holds them; of anything else the type, for its address says nothing."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return repr(value) if isinstance(value, str | bytes | int | float | None) else type(value).__qualname__
