"""Files of ours: canonical names, and the spec beside them, so that nothing need be guessed or given.

``VisionTransformer.state_dict()`` carries its spec in the metadata that PyTorch keeps beside a state dict, and
``save_backbone`` puts it into the metadata of a safetensors file.
"""

from __future__ import annotations

from dataclasses import fields

from pydantic import TypeAdapter, ValidationError

from benchmark.backbones.contents import MASKS, Canonical, Contents, drop
from benchmark.backbones.structure import LayoutDefaults
from benchmark.errors import StructureError

NAME = "densebench"

# Which field of a spec tells an option.
_TOLD_BY = {
    **{name: name for name in ("num_heads", "norm_eps", "rope_dtype", "registers_follow")},
    **dict.fromkeys(("interpolate_offset", "interpolate_antialias"), "position_interpolation"),
    **dict.fromkeys(("mean", "std"), "preprocessing"),
}


def matches(contents: Contents) -> bool:
    """Tells whether the file carries a spec."""
    return contents.spec is not None


def to_canonical(contents: Contents) -> Canonical:
    """Takes tensors as they are and from the spec what they do not tell.

    Raises:
        StructureError: The spec lacks something, or holds something else than it should.
    """
    told = {field.name: contents.spec[field.name] for field in fields(LayoutDefaults) if field.name in contents.spec}
    told["rope_dtype"] = told.get("rope_dtype") or "float32"  # None with learned positions
    told["known"] = {option for option, name in _TOLD_BY.items() if contents.spec.get(name) is not None}
    try:
        defaults = TypeAdapter(LayoutDefaults).validate_python(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise StructureError(f"the spec inside the checkpoint cannot be read: {where}: {first['msg']}") from error
    state = dict(contents.state)
    return Canonical(state, defaults, drop(state, MASKS, "used in pre-training only"))
