"""Configs: plain Python files of values, inherited with ``_base_``, read without the packages that run them.

They are mmengine configs: ``mmengine.Config.fromfile`` reads the same values. Imports nothing heavy.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from benchmark.errors import ProtocolError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def protocol_names(benchmark: str) -> list[str]:
    """Lists the protocols that ship for a benchmark."""
    return sorted(path.stem for path in (CONFIGS / benchmark).glob("*.py"))


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
