"""``hf:DIR``: a vision model of any family that transformers knows, from a local folder.

Layouts that DenseBench reads itself (Dinov2, DINOv3ViT, ViT, ...) are better given as the folder alone: that way
needs no transformers. Through here go BEiT, CLIP and SigLIP towers, I-JEPA, data2vec and the like.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.backbones.contents import told_preprocessing
from benchmark.backbones.spec import BackboneSpec, Preprocessing
from benchmark.backbones.tokens import Tokens
from benchmark.errors import CheckpointError, InputSizeError

_FINAL_NORMS = ("layernorm", "norm", "post_layernorm", "layer_norm")


def build(folder: str) -> HuggingFaceModel:
    """Loads a folder without network and without code of its own, in float32.

    Raises:
        CheckpointError: transformers is missing, the folder cannot be loaded, or the model keeps no patch grid.
    """
    try:
        from transformers import AutoModel  # noqa: PLC0415 (optional, and slow to import)
    except ImportError as error:
        raise CheckpointError(
            f"hf:{folder} needs the transformers package: pip install transformers ({error})"
        ) from error
    if not Path(folder).is_dir():
        raise CheckpointError(f"hf:{folder}: there is no such folder; models are read from disk, never from the hub")
    try:
        model, found = AutoModel.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"hf:{folder} cannot be loaded: {error}") from error
    if found["missing_keys"] or found["mismatched_keys"]:
        strange = sorted(map(str, [*found["missing_keys"], *found["mismatched_keys"]]))
        raise CheckpointError(f"hf:{folder} lacks tensors, or has them in another shape: {', '.join(strange[:10])}")
    # transformers 5 keeps the precision of the files; precision is the protocol's business
    return HuggingFaceModel(getattr(model, "vision_model", model).float(), Path(folder))


class HuggingFaceModel(nn.Module):
    """Reads tokens from ``hidden_states``: a prefix ([CLS], registers) and then the patches, row by row.

    A model without a prefix has no [CLS]; the mean of its patches stands in for it.
    """

    def __init__(self, model: nn.Module, folder: Path) -> None:
        super().__init__()
        config = getattr(model.config, "vision_config", model.config)
        self.model = model.eval()
        self._norm = next((getattr(model, name) for name in _FINAL_NORMS if hasattr(model, name)), None)
        accepts = inspect.signature(model.forward).parameters
        self._extra = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in accepts else {}
        self._prefix = 0
        self._patch = _square(config.patch_size)
        side = _square(config.image_size)
        hidden = self._hidden(torch.zeros(1, 3, side, side))
        self._prefix = hidden[0].shape[1] - (side // self._patch) ** 2
        if self._prefix < 0:
            raise CheckpointError(
                f"hf:{folder}: {type(model).__name__} keeps fewer tokens than patches; it has no grid"
            )
        self.spec = BackboneSpec(
            arch=f"{type(model).__name__.removesuffix('Model')}-{config.hidden_size}x{len(hidden) - 1}/{self._patch}",
            embed_dim=config.hidden_size,
            depth=len(hidden) - 1,
            patch_size=self._patch,
            num_registers=max(self._prefix - 1, 0),
            preprocessing=_preprocessing(folder),
        )

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Maps images (B, 3, H, W) to tokens; see ``Backbone``.

        Raises:
            InputSizeError: H or W is no multiple of the patch size.
            CheckpointError: The norm is asked for and the model has none by a known name.
        """
        height, width = images.shape[-2:]
        if height % self._patch or width % self._patch:
            raise InputSizeError(f"image sides {height}x{width} must be multiples of {self._patch}")
        if norm and self._norm is None:
            raise CheckpointError(f"{self.spec.arch} has no final norm by a known name; use features.norm=false")
        outputs = self._hidden(images)[1:]
        found = []
        for layer in layers:
            sequence = self._norm(outputs[layer]) if norm else outputs[layer]
            patches = sequence[:, self._prefix :]
            found.append(
                Tokens(
                    cls=sequence[:, 0] if self._prefix else patches.mean(1),
                    registers=sequence[:, 1 : max(self._prefix, 1)] if self._prefix else patches[:, :0],
                    patches=patches,
                    grid=(height // self._patch, width // self._patch),
                )
            )
        return found

    @torch.no_grad()
    def _hidden(self, images: Tensor) -> tuple[Tensor, ...]:
        """Returns the sequence before the first block and after each."""
        return self.model(pixel_values=images, output_hidden_states=True, **self._extra).hidden_states


def _square(size: Any) -> int:
    return size if isinstance(size, int) else size[0]


def _preprocessing(folder: Path) -> Preprocessing:
    path = folder / "preprocessor_config.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return told_preprocessing(told, Preprocessing())
