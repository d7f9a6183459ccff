"""The folder of records: ``results/runs/<id>.json`` with ``<id>.parquet`` beside it.

Dense benchmarks leave a gallery as well (see ``gallery.py``). The record is written last, so one that can be read has
its statistics and its gallery. A record is never edited: another
run of the same cell is another file, and readers take the newest success.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from benchmark.atomic import atomic_write, make_writable
from benchmark.errors import RecordError
from benchmark.records.cell import key_of
from benchmark.records.gallery import gallery_path
from benchmark.records.schema import SCHEMA_VERSION, Record
from benchmark.utf8 import is_utf8

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # alone, or one of a pair, which is a sound character


@dataclass(frozen=True)
class StoredRecords:
    """What a results folder holds."""

    records: list[Record]
    """Readable records, oldest first."""

    problems: list[str]
    """One line for each file that cannot be read as a record."""


class RecordStore:
    """Records of one results folder.

    Args:
        results: Folder that holds ``runs/``.
    """

    def __init__(self, results: Path) -> None:
        self.results = results
        self.runs = results / "runs"

    def ensure_writable(self) -> None:
        """Creates the folder.

        Raises:
            RecordError: It cannot be created or written to.
        """
        try:
            make_writable(self.runs)
        except OSError as error:
            raise RecordError(f"results folder {self.results} cannot be written to: {error.strerror}") from error

    def add(self, record: Record, per_image: pd.DataFrame | None, gallery: bytes | None = None) -> Path:
        """Writes a record, its statistics and its gallery, all or none.

        Raises:
            RecordError: A field that JSON cannot hold.
            FileExistsError: A record of that id exists.
        """
        path = self.runs / f"{record.id}.json"
        contents = {path: as_json(record)}  # first: what cannot be written must not leave its statistics behind
        if gallery is not None:
            contents = {gallery_path(self.runs, record.id): gallery, **contents}
        if per_image is not None:
            contents = {self.runs / f"{record.id}.parquet": per_image.to_parquet(index=False), **contents}
        written: list[Path] = []
        try:
            for place, content in contents.items():
                with atomic_write(place, replace=False) as file:
                    file.write(content)
                written.append(place)
        finally:
            if len(written) < len(contents):
                for place in written:
                    place.unlink()
        return path

    def read(self) -> StoredRecords:
        """Reads every record; what cannot be read becomes a problem, never an error."""
        records, problems = [], []
        for path in sorted(self.runs.glob("*.json")):
            try:
                records.append(_parse(path))
            except RecordError as error:
                problems.append(str(error))
        return StoredRecords(sorted(records, key=lambda record: (record.created, record.id)), problems)

    def find(self, key: str) -> Record | None:
        """Returns the newest successful record of a cell."""
        done = [record for record in self.read().records if record.status == "success" and key_of(record) == key]
        return done[-1] if done else None


def as_json(record: Record) -> bytes:
    """Returns the content of a record's file.

    Raises:
        RecordError: A field that JSON cannot hold, such as a name that is not UTF-8.
    """
    try:
        return record.model_dump_json(indent=1).encode() + b"\n"
    except PydanticSerializationError as error:
        strange = _first_not_utf8(record)
        reason = str(error) if strange is None else f"{strange} is not UTF-8"
        raise RecordError(f"a record of {record.benchmark} cannot be written: {reason}") from error


def _first_not_utf8(record: Record) -> str | None:
    return next(_not_utf8(record.model_dump(), ""), None)


def _not_utf8(value: Any, name: str) -> Iterator[str]:
    """Yields the names and values of the texts in a record that are not UTF-8."""
    if isinstance(value, str) and not is_utf8(value):
        yield f"{name} {value!a}"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _not_utf8(str(key), f"a key of {name}")
            yield from _not_utf8(inner, f"{name}.{key}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _not_utf8(inner, f"{name}[{number}]")


def _parse(path: Path) -> Record:
    try:
        text = path.read_text("utf-8")
        fields = json.loads(text)
    except (OSError, ValueError) as error:
        raise RecordError(f"{path.name}: not JSON ({error})") from error
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        raise RecordError(f"{path.name}: schema version {version}, this DenseBench reads {SCHEMA_VERSION}")
    try:
        record = Record.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecordError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if record.id != path.stem:
        raise RecordError(f"{path.name}: holds the record {record.id}")
    strange = _first_not_utf8(record) if _ESCAPED_SURROGATE.search(text) else None
    if strange is not None:
        raise RecordError(f"{path.name}: {strange} is not UTF-8")
    return record
