"""Protocols by name: configs under ``configs/``, with what the dataset says and ``key=value`` overrides.

A protocol is looked for in ``configs/<benchmark>/``, then in ``configs/<kind of benchmark>/``, whose protocols fit
every dataset of the kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from benchmark.benchmarks import Benchmark, find_benchmark
from benchmark.configs import protocol_files
from benchmark.data.dataset import Dataset
from benchmark.data.registry import DATASETS
from benchmark.errors import ProtocolError, UsageError, did_you_mean
from benchmark.protocols.read_settings import has_field, read_settings
from benchmark.protocols.sections import ProtocolSettings
from benchmark.tasks import DataSize, Forwards


@dataclass(frozen=True)
class Protocol:
    """A protocol as it will run."""

    benchmark: Benchmark
    """Benchmark it belongs to."""

    name: str
    """Name of the config."""

    overrides: tuple[str, ...]
    """``key=value`` replacements, sorted."""

    settings: ProtocolSettings
    """All fields."""

    @property
    def trained_on(self) -> Dataset:
        """Dataset of the training images."""
        return _trained_on(self.benchmark, self.settings)

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
        fields = self._without_unread(fields)
        text = json.dumps({"benchmark": self.benchmark.name, "backbone": {}, **fields}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def in_pixels(self, patch_size: int) -> ProtocolSettings:
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
                f"protocol {self.name!r} of {self.benchmark.name}, with patches of {patch_size} pixels: "
                f"{f'{where}: ' if where else ''}{first['msg']}"
            ) from error

    def forwards(self, patch_size: int, data: DataSize | None = None) -> Forwards:
        """Counts the backbone's passes with patches of ``patch_size``, on the official data by default."""
        return self.benchmark.task.forwards(self.in_pixels(patch_size), data or self.benchmark.size)


def protocol_names(benchmark: Benchmark | str) -> list[str]:
    """Lists the protocols that ship for a benchmark, given itself or, of those that ship, its name."""
    return list(protocol_files(_known(benchmark).config_folders))


def load_protocol(benchmark: Benchmark | str, name: str, overrides: Sequence[str] = ()) -> Protocol:
    """Reads a protocol and applies ``key=value`` overrides.

    Args:
        benchmark: Benchmark, or the name of one that ships.
        name: One of `protocol_names`, or the path of a config file ending in ``.py``.
        overrides: For example ``train.iterations=20`` or ``probes.lr=[1e-3,1e-4]``; values are JSON, or bare text.

    Raises:
        UsageError: No such benchmark or protocol, or an override of a field that does not exist.
        ProtocolError: The file is not a config, or a value is of the wrong kind.
    """
    known = _known(benchmark)
    files = protocol_files(known.config_folders)
    path = Path(name) if name.endswith(".py") else files.get(name)
    if path is None or not path.is_file():
        raise UsageError(f"{known.name} has no protocol {name!r}{did_you_mean(name, files)}; known: {', '.join(files)}")
    settings = read_settings(
        path,
        known.task.settings,
        overrides,
        kind="protocol",
        what=f"protocol {path.stem!r} of {known.name}",
        not_fields=("published",),
        below=known.dataset.protocol_fields,
    )
    _trained_on(known, settings)
    return Protocol(known, path.stem, tuple(sorted(overrides)), settings)


def _trained_on(benchmark: Benchmark, settings: ProtocolSettings) -> Dataset:
    """Returns the dataset of the training images; raises ProtocolError where there is none like the benchmark's."""
    name = getattr(settings.data, "trained_on", benchmark.trained_on.name)
    if name == benchmark.dataset.name:
        return benchmark.dataset
    alike = [each.name for each in DATASETS.values() if isinstance(each, benchmark.task.datasets)]
    if name not in alike:
        raise ProtocolError(
            f"data.trained_on: no {benchmark.task.name} dataset {name!r}{did_you_mean(name, alike)}; known: "
            f"{', '.join(alike)}"
        )
    return DATASETS[name]


def _known(benchmark: Benchmark | str) -> Benchmark:
    return find_benchmark(benchmark) if isinstance(benchmark, str) else benchmark


def compared_fields(benchmark: Benchmark, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `Protocol.compared` says of the fields of a record.

    Fields that came after the record have what was done before as their default; those of a protocol that this version
    cannot read are returned as they are.
    """
    try:
        settings = TypeAdapter(benchmark.task.settings).validate_python(fields)
    except ValidationError:
        return dict(fields)
    return Protocol(benchmark, "", (), settings).compared


def share_overrides(
    benchmarks: Sequence[Benchmark], names: Mapping[str, str], overrides: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Gives each of several benchmarks the overrides whose field its protocol has.

    A benchmark without iterations has nothing that ``train.iterations=20`` could replace; one alone must have it.

    Args:
        benchmarks: Benchmarks of one command.
        names: Protocol of each, by the benchmark's name.
        overrides: What was given for all of them.

    Raises:
        UsageError: An override that no benchmark knows.
    """
    protocols = {each.name: load_protocol(each, names[each.name]) for each in benchmarks}
    shared = {}
    for benchmark, protocol in protocols.items():
        others = [other for name, other in protocols.items() if name != benchmark]
        shared[benchmark] = tuple(
            override
            for override in overrides
            if has_field(protocol.fields, override) or not any(has_field(other.fields, override) for other in others)
        )
    return shared
