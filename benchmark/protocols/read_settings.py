"""Reads config files strictly into models of their fields, with ``key=value`` overrides."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from benchmark.backbone_options import BackboneOptions
from benchmark.configs import merged, read_config
from benchmark.errors import ProtocolError, UsageError, did_you_mean


def read_settings(
    path: Path,
    model: Any,
    overrides: Sequence[str],
    *,
    kind: str,
    what: str,
    not_fields: Sequence[str] = (),
    below: Mapping[str, Any] | None = None,
) -> Any:
    """Reads a config file strictly, with ``key=value`` overrides.

    Args:
        path: A file that is there.
        model: Pydantic model, or a union of them, that the fields must make.
        overrides: Replacements.
        kind: What messages call a file of its kind: "protocol" has protocol fields.
        what: What messages call this one.
        not_fields: Keys of the file that no override may replace.
        below: Fields that the file need not name; what it names counts.

    Raises:
        UsageError: An override of a field that does not exist, or two of the same.
        ProtocolError: The file is not a config, or a value is of the wrong kind.
    """
    adapter = TypeAdapter(model)

    def validated(fields: Mapping[str, Any]) -> Any:
        try:
            return adapter.validate_python(fields)
        except ValidationError as error:
            first = error.errors()[0]
            raise ProtocolError(f"{what}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    settings = validated(merged(dict(below or {}), read_config(path)))
    if not overrides:
        return settings
    keys = [override.partition("=")[0] for override in overrides]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise UsageError(f"{twice} is given twice")
    fields = adapter.dump_python(settings, mode="json")  # with what the file leaves at its default
    kept = {key: fields.pop(key) for key in not_fields if key in fields}
    for override in overrides:
        _replace(fields, override, kind)
    return validated({**fields, **kept})


def has_field(fields: Mapping[str, Any], override: str) -> bool:
    """Tells whether the field that ``key=value`` replaces is among ``fields``."""
    section: Any = fields
    for name in override.partition("=")[0].split("."):
        if not isinstance(section, Mapping) or name not in section:
            return False
        section = section[name]
    return True


def parse_backbone_options(overrides: Sequence[str]) -> BackboneOptions:
    """Reads ``backbone.num_heads=6`` and the like, for commands that take a checkpoint and no protocol.

    Raises:
        UsageError: Something else than an option of a backbone.
        ProtocolError: A value of the wrong kind.
    """
    fields: dict[str, Any] = {"backbone": dict.fromkeys(field.name for field in dataclasses.fields(BackboneOptions))}
    for override in overrides:
        _replace(fields, override, "protocol")
    try:
        return TypeAdapter(BackboneOptions).validate_python(fields["backbone"])
    except ValidationError as error:
        first = error.errors()[0]
        raise ProtocolError(f"{'.'.join(map(str, ('backbone', *first['loc'])))}: {first['msg']}") from error


def _replace(fields: dict[str, Any], override: str, kind: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise UsageError(f"{override!r} is not an override; write key=value, for example train.iterations=20")
    *parents, last = key.split(".")
    section: Any = fields
    for parent in parents:
        section = section.get(parent) if isinstance(section, Mapping) else None
    if not isinstance(section, dict) or last not in section:
        known = list(flat(fields))
        raise UsageError(f"no {kind} field {key!r}{did_you_mean(key, known)}; fields: {', '.join(known)}")
    try:
        section[last] = json.loads(text)
    except json.JSONDecodeError:
        section[last] = None if text == "None" else text


def flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens nested fields: ``train.iterations`` to its value."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found
