"""Configs without the packages that run them: plain Python files of values, inherited with ``_base_``."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from benchmark.errors import ProtocolError
from benchmark.listing import CONFIGS


def read_config(path: Path) -> dict[str, Any]:
    """Reads a config as mmengine's ``Config.fromfile(path).to_dict()`` does, dictionaries merged into their base.

    Names that begin with an underscore are the file's own.

    Raises:
        ProtocolError: The file cannot be run.
    """
    try:
        run = runpy.run_path(str(path))
    except Exception as error:  # a config is code and can fail in any way
        raise ProtocolError(f"{path} cannot be read as a config: {type(error).__name__}: {error}") from error
    base = run.get("_base_", [])
    values = {key: value for key, value in run.items() if not key.startswith("_")}
    fields: dict[str, Any] = {}
    for relative in [base] if isinstance(base, str) else base:
        fields = _merged(fields, read_config(path.parent / relative))
    return _merged(fields, values)


def read_protocol(benchmark: str, name: str) -> dict[str, Any] | None:
    """Reads the protocol a benchmark ships under a name; None if there is none."""
    path = CONFIGS / benchmark / f"{name}.py"
    return read_config(path) if path.is_file() else None


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        if not isinstance(value, dict):
            merged[key] = value
            continue
        own = {inner: kept for inner, kept in value.items() if inner != "_delete_"}
        below = merged.get(key)
        merged[key] = own if value.get("_delete_") or not isinstance(below, dict) else _merged(below, own)
    return merged
