"""DINOv2 checkpoints: hub files, raw training files, chunked blocks, with and without registers.

Source: facebookresearch/dinov2, ``models/vision_transformer.py`` and ``hub/backbones.py``. The canonical names are
DINOv2's own, so little is translated: the mask token of training is dropped, and the chunk number of FSDP training
files (``blocks.{chunk}.{block}``, where the block index is global already) is cut out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from benchmark.backbones.formats.canonical import Canonical
from benchmark.backbones.spec import PositionInterpolation, Preprocessing
from benchmark.backbones.structure import LayoutDefaults
from benchmark.errors import StructureError

NAME = "dinov2"

_CHUNKED = re.compile(r"blocks\.(\d+)\.(\d+)\.(.+)")


def matches(state: Mapping[str, Tensor]) -> bool:
    """Tells whether the keys are DINOv2's: a patch projection and numbered blocks with a joint qkv."""
    return "patch_embed.proj.weight" in state and any(re.match(r"blocks\.(\d+\.)+attn\.qkv\.", key) for key in state)


def to_canonical(state: Mapping[str, Tensor]) -> Canonical:
    """Drops the mask token and flattens chunked blocks.

    Raises:
        StructureError: Two chunks hold the same block.
    """
    canonical: dict[str, Tensor] = {}
    dropped = []
    for key, tensor in state.items():
        if key == "mask_token":
            dropped.append((key, "used in pre-training only"))
            continue
        chunked = _CHUNKED.fullmatch(key)
        name = f"blocks.{chunked[2]}.{chunked[3]}" if chunked else key
        if name in canonical:
            raise StructureError(f"the checkpoint holds {name!r} twice, in two chunks")
        canonical[name] = tensor
    return Canonical(canonical, tuple(dropped), _defaults(registers="register_tokens" in canonical))


def _defaults(*, registers: bool) -> LayoutDefaults:
    # hub/backbones.py: the register models were trained with antialiasing and without the 0.1 offset.
    rule = PositionInterpolation(0.0, antialias=True) if registers else PositionInterpolation(0.1, antialias=False)
    return LayoutDefaults(norm_eps=1e-6, position_interpolation=rule, preprocessing=Preprocessing())
