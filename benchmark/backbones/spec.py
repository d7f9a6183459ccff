"""What is known of a backbone: its architecture, preprocessing and origin."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from benchmark.backbones.specialization import Specialization

# torchvision's and DINOv2's constants (dinov2/data/transforms.py), RGB in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

SPEC_KEY = "vit_spec"
"""Where our own files keep their spec: in the metadata of a state dict or of a safetensors file."""

ASSUMED_KEY = "assumed"
"""Where a spec that is kept says which of its values were assumed, not known, when the weights were read."""

_SIZES = {
    (192, 12): "Ti", (384, 12): "S", (768, 12): "B", (1024, 24): "L", (1280, 32): "H", (1536, 40): "g", (4096, 40): "7B"
}  # fmt: skip


@dataclass(frozen=True)
class Preprocessing:
    """Normalisation of RGB images in [0, 1]: ``(image - mean) / std``."""

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


@dataclass(frozen=True)
class PositionInterpolation:
    """How a position grid is resized to another number of patches (reference: DINOv2, see ``pos_embed.py``)."""

    offset: float
    """Added to the output size before it is divided by the grid size; 0 asks for the size itself."""

    antialias: bool
    """Whether the bicubic filter widens when the grid shrinks."""


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """What is known of every backbone, whatever its family."""

    arch: str
    """Short name such as ``ViT-S/14``."""

    embed_dim: int
    """Width D of the tokens."""

    depth: int
    """Number of blocks, so of layers that can be asked for."""

    patch_size: int
    """Side of a square patch, pixels."""

    num_registers: int = 0
    """Register tokens between [CLS] and the patches."""

    attention_bias: bool = False
    """Whether a learned key and value per head join the sequence."""

    specialization: str = "none"
    """Which layers hold separate [CLS] and patch weights."""

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """Normalisation the weights were trained with."""


@dataclass(frozen=True, kw_only=True)
class ViTSpec(BackboneSpec):
    """The architecture of a vision transformer, with the settings that cannot be inferred from its weights."""

    num_heads: int
    """Attention heads; D is a multiple of it."""

    grid_size: int | tuple[int, int] | None
    """Grid of stored position embeddings, patches: its side, or rows and columns where they differ; None with rotary
    positions."""

    ffn: Literal["mlp", "swiglu"]
    """Feed-forward kind."""

    ffn_dim: int
    """Hidden width of the feed-forward layer."""

    qkv_bias: bool = True
    """Whether the qkv projection has a bias."""

    layer_scale: bool = True
    """Whether the residual branches are scaled per channel."""

    norm_eps: float
    """Epsilon of every LayerNorm."""

    position_interpolation: PositionInterpolation | None = None
    """Rule for image sizes other than the training one; None with rotary positions."""

    rope_dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of the rotation; None with learned positions."""

    registers_follow: Literal["patch", "cls"] = "patch"
    """Whose copy of a split layer the registers pass through."""

    split: Specialization = field(default_factory=Specialization)
    """Layers with separate [CLS] and patch weights; ``specialization`` is its name."""

    specialization: str = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.grid_size, tuple) and self.grid_size[0] == self.grid_size[1]:
            object.__setattr__(self, "grid_size", self.grid_size[0])  # one way to write a square, for fingerprints
        if (self.split.ls1 or self.split.ls2) and not self.layer_scale:
            raise ValueError("ls1 and ls2 cannot be split in a model without LayerScale")
        object.__setattr__(self, "specialization", self.split.label(self.depth, layer_scale=self.layer_scale))

    @property
    def cls_group(self) -> int:
        """Tokens that pass through the [CLS] copy of a split layer: the first one, or the registers too."""
        return 1 + self.num_registers if self.registers_follow == "cls" else 1

    @property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of stored position embeddings."""
        return (self.grid_size, self.grid_size) if isinstance(self.grid_size, int) else self.grid_size

    @property
    def head_width(self) -> int:
        """Channels of one attention head."""
        return self.embed_dim // self.num_heads


def vit_name(embed_dim: int, depth: int, patch_size: int) -> str:
    """Returns ``ViT-S/14`` for a size with a letter, else the width and depth, ``ViT-192x6/14``."""
    return f"ViT-{_SIZES.get((embed_dim, depth), f'{embed_dim}x{depth}')}/{patch_size}"


def kept_spec(spec: ViTSpec, source: Source | None) -> dict[str, Any]:
    """Returns what a file of ours keeps beside its weights, as plain values."""
    assumed = {ASSUMED_KEY: list(source.assumed)} if source is not None and source.assumed else {}
    return asdict(spec) | assumed


@dataclass(frozen=True)
class Source:
    """Where a backbone came from."""

    checkpoint: str
    """Path as given, or the name of a baseline."""

    sha256: str
    """Hash of the file's bytes; of a folder, of every file that was read."""

    layout: str
    """Name of the checkpoint layout."""

    dropped: tuple[tuple[str, str], ...] = ()
    """(key, reason) of every tensor that was left out by a rule."""

    notes: tuple[str, ...] = ()
    """What a reader should know: wrappers taken, prefixes stripped."""

    assumed: tuple[str, ...] = ()
    """Names of ``BackboneOptions`` whose values were assumed: neither the user nor a file states them."""
