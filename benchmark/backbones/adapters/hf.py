"""``hf:DIR``: a vision model of any family that transformers knows, from a local folder.

Layouts that DenseBench reads itself (Dinov2, DINOv3ViT, ViT, ...) are better given as the folder alone: that way
needs no transformers. Through here go BEiT, CLIP and SigLIP towers, I-JEPA, data2vec and the like.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.backbones.adapters.report import AdapterReport
from benchmark.backbones.metadata import pair, stated_statistics, usual_preprocessing
from benchmark.backbones.spec import BackboneSpec, Preprocessing
from benchmark.backbones.tokens import Tokens
from benchmark.backbones.weight_files import first_line, one_line, read_configs
from benchmark.errors import CheckpointError, InputSizeError, StructureError, UnsupportedArchitectureError

_FINAL_NORMS = ("layernorm", "norm", "post_layernorm", "layer_norm", "rms_norm")
# Tensors that no token passes through, with or without a vision tower around: they may be missing, and left over.
_UNUSED = re.compile(
    r"(.+\.)?(pooler|head|(lm|decode|auxiliary)_head|fpn\d|\w*classifier|neck|decoder|mask_token|text_model|"
    r"\w*_projection|logit_\w+)(\.|$)"
)
# ``BeitForMaskedImageModeling`` has a norm of its own before ``lm_head``, beside the model.
_MASKED_MODELLING, _NORM_OF_ITS_HEAD = "lm_head.", "layernorm."
_TOWER = "vision_model"
_NEEDED = ("patch_size", "image_size", "hidden_size")


def build(folder: str) -> tuple[HuggingFaceModel, AdapterReport]:
    """Loads a folder without network and without code of its own, in float32.

    Raises:
        CheckpointError: transformers is missing, the folder cannot be loaded, its tensors are not those of the model,
            or the model makes no patch grid of a single image.
    """
    try:
        from transformers import AutoModel  # noqa: PLC0415 (optional, and slow to import)
    except ImportError as error:
        raise CheckpointError(
            f"hf:{folder} needs the transformers package: pip install transformers ({error})"
        ) from error
    if not Path(folder).is_dir():
        raise CheckpointError(f"hf:{folder}: there is no such folder; models are read from disk, never from the hub")
    beside = read_configs(Path(folder))
    try:
        model, loading = AutoModel.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"hf:{folder} cannot be loaded: {one_line(error)}") from error
    tower = getattr(model, _TOWER, model)
    dropped = _unused(loading, folder, tower=tower is not model)
    preprocessing, assumed = _preprocessing(beside.config, beside.preprocessor)
    # transformers 5 keeps the precision of the files; precision is the protocol's business
    built = HuggingFaceModel(tower.float(), folder, preprocessing)
    config = tuple(path for path in beside.files if path.name == "config.json")
    return built, AdapterReport(assumed, dropped, built.notes, config)


class HuggingFaceModel(nn.Module):
    """Reads tokens from ``hidden_states``: a prefix ([CLS], registers) and then the patches, row by row.

    A model without a prefix has no [CLS]; the mean of its patches stands in for it.
    """

    def __init__(self, model: nn.Module, folder: str, preprocessing: Preprocessing) -> None:
        super().__init__()
        config = getattr(model.config, "vision_config", model.config)
        self.model = model.eval()
        self._name = type(model).__name__.removesuffix("Model")
        self._accepts = frozenset(inspect.signature(model.forward).parameters)
        self._norm = next((getattr(model, name) for name in _FINAL_NORMS if hasattr(model, name)), None)
        self._refuse_other_kinds(config, folder)
        try:
            self._image, (self._patch, other) = pair(config.image_size), pair(config.patch_size)
        except ValueError as error:
            raise StructureError(f"hf:{folder}: its config cannot be read: {error}") from error
        if self._patch != other:
            raise UnsupportedArchitectureError(f"hf:{folder}: patches of {self._patch} x {other} are not square")
        self.only_grid = self._only_grid()
        depth = self._find_patches(folder)
        self.spec = BackboneSpec(
            arch=f"{self._name}-{config.hidden_size}x{depth}/{self._patch}",
            embed_dim=config.hidden_size,
            depth=depth,
            patch_size=self._patch,
            num_registers=max(self._prefix - 1, 0),
            preprocessing=preprocessing,
        )
        self.notes = tuple(self._remarks(getattr(config, "num_register_tokens", 0)))

    @property
    def has_norm(self) -> bool:
        """Whether there is a final norm by a known name."""
        return self._norm is not None

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Maps images (B, 3, H, W) to tokens; see ``Backbone``.

        Raises:
            InputSizeError: H or W is not a multiple of the patch size, or not what the only grid asks for.
            CheckpointError: The norm is asked for and the model has none by a known name.
        """
        height, width = images.shape[-2:]
        grid = (height // self._patch, width // self._patch)
        if height % self._patch or width % self._patch:
            raise InputSizeError(f"image sides {height}x{width} must be multiples of {self._patch}")
        if self.only_grid not in (None, grid):
            rows, columns = self._image
            raise InputSizeError(
                f"{self.spec.arch} takes images of {rows}x{columns} only, not {height}x{width}: its positions are no "
                "square, and transformers resizes those wrongly. Where DenseBench reads the layout itself, give the "
                "folder without hf:"
            )
        if norm and self._norm is None:
            raise CheckpointError(f"{self.spec.arch} has no final norm by a known name; use features.norm=false")
        outputs = self._hidden(images)[1:]
        tokens = []
        for layer in layers:
            sequence = self._norm(outputs[layer]) if norm else outputs[layer]
            patches = sequence[:, self._prefix :]
            tokens.append(
                Tokens(
                    cls=sequence[:, 0] if self._prefix else patches.mean(1),
                    registers=sequence[:, 1 : max(self._prefix, 1)] if self._prefix else patches[:, :0],
                    patches=patches,
                    grid=grid,
                )
            )
        return tokens

    @torch.no_grad()
    def _hidden(self, images: Tensor) -> tuple[Tensor, ...]:
        """Returns the sequence before the first block and after each."""
        resized = tuple(images.shape[-2:]) != self._image and "interpolate_pos_encoding" in self._accepts
        extra = {"interpolate_pos_encoding": True} if resized else {}
        return self.model(pixel_values=images, output_hidden_states=True, **extra).hidden_states

    def _refuse_other_kinds(self, config: Any, folder: str) -> None:
        """Raises UnsupportedArchitectureError for models that are known to take something else than an image."""
        if "spatial_shapes" in self._accepts:
            what = "takes packed patches of images of any shape (NaFlex)"
        elif any(hasattr(config, name) for name in ("num_frames", "frames_per_clip", "tubelet_size")):
            what = "is a video model"
        else:
            lacks = [name for name in _NEEDED if getattr(config, name, None) is None]
            what = f"has no {' and no '.join(lacks)} in its config, so no patch grid" if lacks else ""
        if what:
            raise UnsupportedArchitectureError(
                f"hf:{folder}: {self._name} {what}; read here are models of single images in a grid of square patches"
            )

    def _only_grid(self) -> tuple[int, int] | None:
        """Returns the one grid that learned positions serve if it is not square: transformers resizes squares only.

        Source: ``interpolate_pos_encoding`` of transformers 5.23 (``models/vit/modeling_vit.py`` and some forty others)
        takes the root of the count for the side. Families that are not asked for it, as Dinov2, do so at any size.
        """
        rows, columns = (side // self._patch for side in self._image)
        learned = any("position_embedding" in name for name, _ in self.model.named_parameters())
        return (rows, columns) if learned and rows != columns and "interpolate_pos_encoding" in self._accepts else None

    def _find_patches(self, folder: str) -> int:
        """Finds the first patch among the tokens and makes sure that the others follow it; returns the depth."""
        rows, columns = (side // self._patch for side in self._image)
        images = torch.zeros(3, 3, *self._image)
        noise = torch.randn(3, self._patch, self._patch, generator=torch.Generator().manual_seed(0))
        corner = ((rows - 1) * self._patch, (columns - 1) * self._patch)
        images[1, :, : self._patch, : self._patch] = noise
        images[2, :, corner[0] : corner[0] + self._patch, corner[1] : corner[1] + self._patch] = noise
        try:
            hidden = self._hidden(images)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:  # any foreign code
            raise CheckpointError(
                f"hf:{folder}: {self._name} cannot be run on an image of {self._image[0]} x {self._image[1]} pixels: "
                f"{first_line(error)}"
            ) from error
        before = hidden[0]
        self._prefix = before.shape[1] - rows * columns
        if before.ndim != 3 or len(before) != len(images) or self._prefix < 0:
            raise CheckpointError(
                f"hf:{folder}: {self._name} does not keep a token for every patch of every image, so it has no grid. "
                "Where DenseBench reads the layout itself (ViTMAE), give the folder without hf:"
            )
        moved = (before[1:] - before[:1]).norm(dim=-1)
        if moved.any() and moved.argmax(1).tolist() != [self._prefix, before.shape[1] - 1]:
            raise CheckpointError(
                f"hf:{folder}: the last {rows * columns} tokens of {self._name} are not its patches, row by row; it "
                "cannot be read here"
            )
        return len(hidden) - 1

    def _remarks(self, registers: int) -> Iterable[str]:
        if isinstance(self._norm, nn.Identity):
            yield f"{self._name} has no norm after its last block: features.norm changes nothing"
        if self.spec.num_registers > registers:
            yield (
                f"of {self._prefix} tokens before the patches the first is taken for [CLS] and the others for "
                "registers, whatever they are called"
            )


def _unused(loading: Mapping[str, Any], folder: str, *, tower: bool) -> tuple[tuple[str, str], ...]:
    """Returns the tensors of the files that the model does not read, with reasons.

    Raises:
        CheckpointError: A tensor that tokens pass through is missing or of another shape, or nothing explains one.
    """

    def is_used(key: str) -> bool:
        return not _UNUSED.match(key) and (not tower or key.startswith(f"{_TOWER}."))

    keys = {
        kind: sorted(_key(entry) for entry in loading[f"{kind}_keys"])
        for kind in ("missing", "mismatched", "unexpected")
    }
    strange = list(filter(is_used, (*keys["missing"], *keys["mismatched"])))
    if strange:
        raise CheckpointError(f"hf:{folder} lacks tensors, or has them in another shape: {', '.join(strange[:10])}")
    left = list(filter(is_used, keys["unexpected"]))
    if any(key.startswith(_MASKED_MODELLING) for key in keys["unexpected"]):
        left = [key for key in left if not key.startswith(_NORM_OF_ITS_HEAD)]
    if left:
        raise CheckpointError(
            f"hf:{folder} has {len(left)} tensors that the model of its config.json does not read: "
            f"{', '.join(left[:10])}"
        )
    return tuple((key, "of a head, or of another part than the vision model") for key in keys["unexpected"])


def _key(entry: Any) -> str:
    """Returns a key, of which transformers gives some with their shapes."""
    return entry if isinstance(entry, str) else str(entry[0])


def _preprocessing(config: Mapping[str, Any], preprocessor: Mapping[str, Any]) -> tuple[Preprocessing, tuple[str, ...]]:
    """Returns mean and std, and which of them are assumed."""
    usual = usual_preprocessing(config)
    try:
        mean, std = stated_statistics(config, preprocessor)
    except (TypeError, ValueError) as error:
        raise StructureError(f"a config beside the weights cannot be read: {error}") from error
    assumed = tuple(name for name, value in (("mean", mean), ("std", std)) if value is None)
    return Preprocessing(mean or usual.mean, std or usual.std), assumed
