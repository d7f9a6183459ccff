"""Files of ours: canonical names, and the spec beside them, so that nothing need be guessed or given.

``VisionTransformer.state_dict()`` carries its spec in the metadata that PyTorch keeps beside a state dict, and
``save_backbone`` puts it into the metadata of a safetensors file.
"""

from __future__ import annotations

from benchmark.backbones.contents import Canonical, Contents, drop
from benchmark.backbones.spec import PositionInterpolation, Preprocessing
from benchmark.backbones.structure import LayoutDefaults
from benchmark.errors import StructureError

NAME = "densebench"


def matches(contents: Contents) -> bool:
    """Tells whether the file carries a spec."""
    return contents.spec is not None


def to_canonical(contents: Contents) -> Canonical:
    """Takes tensors as they are and from the spec what they do not tell.

    Raises:
        StructureError: The spec lacks something, or holds something else than it should.
    """
    spec = contents.spec
    try:
        rule, preprocessing = spec["position_interpolation"], spec["preprocessing"]
        defaults = LayoutDefaults(
            norm_eps=spec["norm_eps"],
            preprocessing=Preprocessing(tuple(preprocessing["mean"]), tuple(preprocessing["std"])),
            position_interpolation=None if rule is None else PositionInterpolation(**rule),
            rope_dtype=spec["rope_dtype"] or "float32",
            registers_follow=spec["registers_follow"],
            num_heads=spec["num_heads"],
        )
    except (KeyError, TypeError) as error:
        raise StructureError(f"the spec inside the checkpoint cannot be read: {error!r}") from error
    state = dict(contents.state)
    return Canonical(state, defaults, drop(state, "mask_token$", "used in pre-training only"))
