"""Reads protocols: configs under ``configs/<benchmark>/<protocol>.py``, with ``key=value`` overrides."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from benchmark.backbone_options import BackboneOptions
from benchmark.configs import CONFIGS, protocol_names, read_config
from benchmark.errors import ProtocolError, UsageError, did_you_mean
from benchmark.protocols.classification import ClassificationProtocol, KnnProtocol, LinearProtocol, LogregProtocol
from benchmark.protocols.depth import DepthProtocol
from benchmark.protocols.segmentation import SegmentationProtocol

Settings = SegmentationProtocol | DepthProtocol | ClassificationProtocol

_KINDS: dict[str, type[Settings]] = {
    **dict.fromkeys(("ade20k", "voc2012", "cityscapes"), SegmentationProtocol),
    **dict.fromkeys(("nyu", "kitti", "sunrgbd"), DepthProtocol),
    "imagenet-knn": KnnProtocol,
    "imagenet-linear": LinearProtocol,
    "imagenet-logreg": LogregProtocol,
}
"""The model that reads a benchmark's protocols."""


@dataclass(frozen=True)
class Protocol:
    """A protocol as it will run."""

    benchmark: str
    """Benchmark it belongs to."""

    name: str
    """Name of the config."""

    overrides: tuple[str, ...]
    """``key=value`` replacements, sorted."""

    settings: Settings
    """All fields."""

    @property
    def fields(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return self.settings.model_dump(mode="json", exclude={"published"})

    @property
    def compared(self) -> dict[str, Any]:
        """The fields that make two protocols the same or not: all that something reads, and not whose it is."""
        fields = self._without_unread(self.fields)
        del fields["family"]
        return fields

    def _without_unread(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.settings.candidates == 1:
            fields.get("selection", {}).pop("refit", None)
        return fields

    @property
    def fingerprint(self) -> str:
        """Hash of the benchmark and all fields, 16 hexadecimal digits.

        A field at its default counts for nothing: fields that came later have what was done before as their default,
        so that old results stay comparable. Nor does what nothing reads: how a sweep chooses, without a sweep.
        """
        fields = self.settings.model_dump(mode="json", exclude={"published"}, exclude_defaults=True)
        fields["backbone"] = {key: value for key, value in self.fields["backbone"].items() if value is not None}
        fields = self._without_unread(fields)
        text = json.dumps({"benchmark": self.benchmark, **fields}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def in_pixels(self, patch_size: int) -> Settings:
        """Returns the fields as a backbone of ``patch_size`` runs them, lengths in pixels.

        Raises:
            ProtocolError: Lengths that do not fit together at this patch size.
        """
        try:
            return self.settings.in_pixels(patch_size)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ProtocolError(
                f"protocol {self.name!r} of {self.benchmark}, with patches of {patch_size} pixels: "
                f"{f'{where}: ' if where else ''}{first['msg']}"
            ) from error


def load_protocol(benchmark: str, name: str, overrides: Sequence[str] = ()) -> Protocol:
    """Reads a protocol and applies ``key=value`` overrides.

    Args:
        benchmark: Benchmark name.
        name: A protocol of ``configs/<benchmark>/``, or the path of a config file ending in ``.py``.
        overrides: For example ``train.iterations=20`` or ``probes.lr=[1e-3,1e-4]``; values are JSON, or bare text.

    Raises:
        UsageError: No such protocol, or an override of a field that does not exist.
        ProtocolError: The file is no config, or a value is of the wrong kind.
    """
    path = Path(name) if name.endswith(".py") else CONFIGS / benchmark / f"{name}.py"
    if not path.is_file():
        known = protocol_names(benchmark)
        raise UsageError(f"{benchmark} has no protocol {name!r}{did_you_mean(name, known)}; known: {', '.join(known)}")
    settings = read_settings(
        path,
        _KINDS[benchmark],
        overrides,
        kind="protocol",
        what=f"protocol {path.stem!r} of {benchmark}",
        not_fields=("published",),
    )
    return Protocol(benchmark, path.stem, tuple(sorted(overrides)), settings)


def compared_fields(benchmark: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `Protocol.compared` says of the fields of a record.

    Fields that came after the record have what was done before as their default; those of a protocol that this version
    cannot read are returned as they are.
    """
    try:
        settings = TypeAdapter(_KINDS[benchmark]).validate_python(fields)
    except ValidationError:
        return dict(fields)
    return Protocol(benchmark, "", (), settings).compared


def read_settings(
    path: Path, model: Any, overrides: Sequence[str], *, kind: str, what: str, not_fields: Sequence[str] = ()
) -> Any:
    """Reads a config file strictly, with ``key=value`` overrides.

    Args:
        path: A file that is there.
        model: Pydantic model, or a union of them, that the fields must make.
        overrides: Replacements.
        kind: What messages call a file of its kind: "protocol" has protocol fields.
        what: What messages call this one.
        not_fields: Keys of the file that no override may replace.

    Raises:
        UsageError: An override of a field that does not exist, or two of the same.
        ProtocolError: The file is no config, or a value is of the wrong kind.
    """
    adapter = TypeAdapter(model)

    def validated(fields: Mapping[str, Any]) -> Any:
        try:
            return adapter.validate_python(fields)
        except ValidationError as error:
            first = error.errors()[0]
            raise ProtocolError(f"{what}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    settings = validated(read_config(path))
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


def share_overrides(
    benchmarks: Sequence[str], names: Mapping[str, str], overrides: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Gives each of several benchmarks the overrides whose field its protocol has.

    A benchmark without iterations has nothing that ``train.iterations=20`` could replace; one alone must have it.

    Args:
        benchmarks: Benchmarks of one command.
        names: Protocol of each.
        overrides: What was given for all of them.

    Raises:
        UsageError: An override that no benchmark knows.
    """
    protocols = {benchmark: load_protocol(benchmark, names[benchmark]) for benchmark in benchmarks}
    shared = {}
    for benchmark, protocol in protocols.items():
        others = [other for name, other in protocols.items() if name != benchmark]
        shared[benchmark] = tuple(
            override
            for override in overrides
            if has_field(protocol.fields, override) or not any(has_field(other.fields, override) for other in others)
        )
    return shared


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
        raise UsageError(f"{override!r} is no override; write key=value, for example train.iterations=20")
    *parents, last = key.split(".")
    section: Any = fields
    for parent in parents:
        section = section.get(parent) if isinstance(section, Mapping) else None
    if not isinstance(section, dict) or last not in section:
        known = list(leaves(fields))
        raise UsageError(f"no {kind} field {key!r}{did_you_mean(key, known)}; fields: {', '.join(known)}")
    try:
        section[last] = json.loads(text)
    except json.JSONDecodeError:
        section[last] = None if text == "None" else text


def leaves(fields: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Lists the keys of nested fields, ``train.iterations`` for example."""
    names = []
    for key, value in fields.items():
        names += leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return names
