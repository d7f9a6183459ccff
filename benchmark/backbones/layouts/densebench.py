"""Files of DenseBench: canonical names, and the spec beside them, so that nothing is assumed.

``VisionTransformer.state_dict()`` carries its spec in the metadata that PyTorch keeps beside a state dict, and
``save_backbone`` puts it into the metadata of a safetensors file.
"""

from __future__ import annotations

from dataclasses import fields

from pydantic import TypeAdapter, ValidationError

from benchmark.backbones.infer_spec import LayoutDefaults
from benchmark.backbones.state_dict import MASKS, CanonicalWeights, CheckpointWeights, drop
from benchmark.errors import StructureError

NAME = "densebench"
ANCHORS = ("patch_embed.proj.weight",)

# Field of a spec that states an option.
_STATED_BY = {
    **{name: name for name in ("num_heads", "norm_eps", "rope_dtype", "registers_follow")},
    **dict.fromkeys(("interpolate_offset", "interpolate_antialias"), "position_interpolation"),
    **dict.fromkeys(("mean", "std"), "preprocessing"),
}


def matches(weights: CheckpointWeights) -> bool:
    """Tells whether the file carries a spec."""
    return weights.spec is not None


def to_canonical(weights: CheckpointWeights) -> CanonicalWeights:
    """Takes tensors as they are, and from the spec what cannot be inferred from them.

    Raises:
        StructureError: The spec lacks something, or holds something else than it should.
    """
    values = {field.name: weights.spec[field.name] for field in fields(LayoutDefaults) if field.name in weights.spec}
    values["rope_dtype"] = values.get("rope_dtype") or "float32"  # None with learned positions
    values["known"] = {option for option, name in _STATED_BY.items() if weights.spec.get(name) is not None}
    try:
        defaults = TypeAdapter(LayoutDefaults).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise StructureError(f"the spec inside the checkpoint cannot be read: {where}: {first['msg']}") from error
    state = dict(weights.state)
    return CanonicalWeights(state, defaults, drop(state, MASKS, "used in pre-training only"))
