"""The folder of records: ``results/runs/<id>.json`` with ``<id>.parquet`` beside it.

Dense benchmarks leave a gallery as well (see ``gallery.py``). The record is written last, so one that can be read has
its statistics and its gallery. A record is never edited: another
run of the same cell is another file, and readers take the newest success.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from benchmark.atomic import atomic_write, make_writable
from benchmark.errors import RecordError
from benchmark.records.cell import key_of
from benchmark.records.gallery import gallery_path
from benchmark.records.schema import SCHEMA_VERSION, Record


@dataclass(frozen=True)
class Contents:
    """What a results folder holds."""

    records: list[Record]
    """Readable records, oldest first."""

    problems: list[str]
    """One line for each file that is no readable record."""


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
        """Writes a record, its statistics and its gallery, whole or not at all.

        Raises:
            FileExistsError: A record of that id exists.
        """
        if per_image is not None:
            with atomic_write(self.runs / f"{record.id}.parquet", replace=False) as file:
                per_image.to_parquet(file, index=False)
        if gallery is not None:
            with atomic_write(gallery_path(self.runs, record.id), replace=False) as file:
                file.write(gallery)
        path = self.runs / f"{record.id}.json"
        with atomic_write(path, replace=False) as file:
            file.write(record.model_dump_json(indent=1).encode() + b"\n")
        return path

    def read(self) -> Contents:
        """Reads every record; what cannot be read is named, never raised."""
        records, problems = [], []
        for path in sorted(self.runs.glob("*.json")):
            try:
                records.append(_parse(path))
            except RecordError as error:
                problems.append(str(error))
        return Contents(sorted(records, key=lambda record: (record.created, record.id)), problems)

    def find(self, key: str) -> Record | None:
        """Returns the newest successful record of a cell."""
        done = [record for record in self.read().records if record.status == "success" and key_of(record) == key]
        return done[-1] if done else None


def _parse(path: Path) -> Record:
    try:
        fields = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RecordError(f"{path.name}: no JSON ({error})") from error
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
    return record
