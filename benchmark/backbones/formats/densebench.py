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


def matches(contents: Contents) -> bool:
    """Tells whether the file carries a spec."""
    return contents.spec is not None


def to_canonical(contents: Contents) -> Canonical:
    """Takes tensors as they are and from the spec what they do not tell.

    Raises:
        StructureError: The spec lacks something, or holds something else than it should.
    """
    told = {
        field.name: contents.spec.get(field.name) for field in fields(LayoutDefaults) if field.name in contents.spec
    }
    told["rope_dtype"] = told.get("rope_dtype") or "float32"  # None with learned positions
    try:
        defaults = TypeAdapter(LayoutDefaults).validate_python(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise StructureError(f"the spec inside the checkpoint cannot be read: {where}: {first['msg']}") from error
    state = dict(contents.state)
    return Canonical(state, defaults, drop(state, MASKS, "used in pre-training only"))
