"""``timm:NAME`` or ``timm:NAME@weights.pth``: any transformer of timm, with weights that are on this machine.

Without a file the weights come from timm's own cache; nothing is downloaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from benchmark.backbones.adapters.report import AdapterReport
from benchmark.backbones.metadata import CheckpointMetadata, read_metadata
from benchmark.backbones.spec import BackboneSpec, Preprocessing
from benchmark.backbones.tokens import Tokens
from benchmark.backbones.weight_files import one_line, read_checkpoint
from benchmark.backbones.wrappers import arguments_of
from benchmark.errors import CheckpointError, InputSizeError, UnsupportedArchitectureError

# Entries of a training file that timm prefers (models/_helpers.py, load_state_dict).
_AVERAGES = ("state_dict_ema", "model_ema")
_NEEDED = ("forward_intermediates", "num_prefix_tokens", "embed_dim", "blocks", "patch_embed")


def build(name: str) -> tuple[TimmModel, AdapterReport]:
    """Creates a model by its timm name.

    Raises:
        CheckpointError: timm is missing, the model or its weights are not there, or it is not a plain transformer.
    """
    try:
        import timm  # noqa: PLC0415 (optional: it needs torchvision)
    except (ImportError, RuntimeError) as error:  # a torchvision of another torch raises RuntimeError
        raise CheckpointError(f"timm:{name} needs timm and a torchvision that fits torch: {error}") from error
    architecture, _, weights = name.partition("@")
    source: dict[str, Any] = {"checkpoint_path": weights} if weights else {"pretrained": True}
    try:
        with _offline():
            model = timm.create_model(architecture, dynamic_img_size=True, num_classes=0, **source)
    except Exception as error:  # timm and its hub client fail in many ways
        raise CheckpointError(
            f"timm:{name} cannot be made: {one_line(error)}. Weights are taken from timm's cache, or from a file: "
            f"timm:{architecture}@weights.safetensors"
        ) from error
    if not all(hasattr(model, needed) for needed in _NEEDED):
        raise UnsupportedArchitectureError(
            f"timm:{name} is a {type(model).__name__}, which has no [CLS] and patch tokens in one fixed grid (a "
            "convolutional or hierarchical network, or NaFlex)"
        )
    metadata, notes = _beside(Path(weights)) if weights else (CheckpointMetadata(), ())
    if isinstance(getattr(model, "norm", None), nn.Identity):
        notes += (f"{architecture} has no norm after its last block in timm: features.norm changes nothing",)
    usual = {key: None if weights else model.pretrained_cfg.get(key) for key in ("mean", "std")}
    stated = {"mean": metadata.mean or usual["mean"], "std": metadata.std or usual["std"]}
    assumed = tuple(key for key, value in stated.items() if value is None)
    values = {
        key: value or model.pretrained_cfg.get(key) or getattr(Preprocessing(), key) for key, value in stated.items()
    }
    return TimmModel(model, architecture, Preprocessing(*map(tuple, values.values()))), AdapterReport(
        assumed, notes=notes
    )


def _beside(weights: Path) -> tuple[CheckpointMetadata, tuple[str, ...]]:
    """Returns the metadata, as of a file that is read without timm, and a note on the entry that timm takes."""
    if not weights.is_file() or weights.suffix in (".npz", ".npy"):
        return CheckpointMetadata(), ()
    raw = read_checkpoint(weights)
    entry = next((entry for entry in _AVERAGES if raw.contents.get(entry) is not None), None)
    notes = (*raw.notes, *([f"timm took {entry!r} of {sorted(map(str, raw.contents))}"] if entry else []))
    return read_metadata(raw.config, raw.preprocessor, arguments_of(raw.contents), raw.spec), notes


class TimmModel(nn.Module):
    """Reads tokens through timm's ``forward_intermediates``.

    A model without a prefix has no [CLS]; the mean of its patches stands in for it.
    """

    def __init__(self, model: nn.Module, name: str, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.model = model
        self._prefix = model.num_prefix_tokens
        rows, columns = model.patch_embed.patch_size
        if rows != columns:
            raise UnsupportedArchitectureError(f"timm:{name}: patches of {rows} x {columns} pixels are not square")
        self.spec = BackboneSpec(
            arch=name,
            embed_dim=model.embed_dim,
            depth=len(model.blocks),
            patch_size=rows,
            num_registers=max(self._prefix - 1, 0),
            preprocessing=preprocessing,
        )

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Maps images (B, 3, H, W) to tokens; see ``Backbone``.

        Raises:
            InputSizeError: H or W is not a multiple of the patch size.
        """
        patch = self.spec.patch_size
        height, width = images.shape[-2:]
        if height % patch or width % patch:
            raise InputSizeError(f"image sides {height}x{width} must be multiples of {patch}")
        wanted = [range(self.spec.depth)[layer] for layer in layers]
        ascending = sorted(set(wanted))
        outputs = self.model.forward_intermediates(
            images, indices=ascending, return_prefix_tokens=True, norm=norm, output_fmt="NLC", intermediates_only=True
        )
        by_layer = dict(zip(ascending, outputs, strict=True))
        return [self._tokens(by_layer[layer], (height // patch, width // patch)) for layer in wanted]

    def _tokens(self, output: tuple[Tensor, Tensor] | Tensor, grid: tuple[int, int]) -> Tokens:
        if not self._prefix:
            patches = output if isinstance(output, Tensor) else output[0]
            return Tokens(cls=patches.mean(1), registers=patches[:, :0], patches=patches, grid=grid)
        patches, prefix = output
        return Tokens(cls=prefix[:, 0], registers=prefix[:, 1:], patches=patches, grid=grid)


@contextmanager
def _offline() -> Iterator[None]:
    """Keeps timm's hub client from the network."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
