"""The baseline that every backbone should beat: raw pixel colours as features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from torch import Tensor, nn

from benchmark.backbone_options import BackboneOptions
from benchmark.backbones.infer_spec import refuse_options
from benchmark.backbones.spec import BackboneSpec, Preprocessing, Source
from benchmark.backbones.tokens import Tokens
from benchmark.errors import InputSizeError

NAME = "pixels"


def build(options: BackboneOptions) -> PixelColours:
    """Makes the baseline; of the options it takes ``mean`` and ``std``. Rules of positions change nothing: it has none.

    Raises:
        CheckpointError: Another option is given.
    """
    refuse_options(options, ("mean", "std", "interpolate_offset", "interpolate_antialias"), NAME)
    usual = Preprocessing()
    return PixelColours(preprocessing=Preprocessing(options.mean or usual.mean, options.std or usual.std))


class PixelColours(nn.Module):
    """Each patch token is the patch's own normalised pixels; [CLS] is their mean over patches.

    It learns nothing and needs no weights, so a score below it says that something is wrong.
    """

    def __init__(self, patch_size: int = 14, preprocessing: Preprocessing | None = None) -> None:
        super().__init__()
        self.spec = BackboneSpec(
            arch=f"pixels/{patch_size}",
            embed_dim=3 * patch_size**2,
            depth=1,
            patch_size=patch_size,
            preprocessing=preprocessing or Preprocessing(),
        )
        self.source = Source(
            checkpoint=NAME, sha256=hashlib.sha256(self.spec.arch.encode()).hexdigest(), layout="baseline"
        )

    def tokens(self, images: Tensor, *, layers: Sequence[int] = (-1,), norm: bool = True) -> list[Tokens]:
        """Cuts (B, 3, H, W) into patches; every layer is the same and there is no norm to apply.

        Raises:
            InputSizeError: H or W is not a multiple of the patch size.
        """
        patch = self.spec.patch_size
        height, width = images.shape[-2:]
        if height % patch or width % patch:
            raise InputSizeError(f"image sides {height}x{width} must be multiples of {patch}")
        grid = (height // patch, width // patch)
        patches = nn.functional.unfold(images, patch, stride=patch).transpose(1, 2)
        tokens = Tokens(cls=patches.mean(1), registers=patches[:, :0], patches=patches, grid=grid)
        return [tokens for _ in layers]
