"""Configs: plain Python files of values, inherited with ``_base_``, read without the packages that run them.

They are mmengine configs: ``mmengine.Config.fromfile`` reads the same values. Imports nothing heavy.
"""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.errors import ProtocolError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def protocol_files(folders: Sequence[str]) -> dict[str, Path]:
    """Returns the protocols of folders of ``configs/`` by name, sorted; the first folder that has one counts."""
    files = {path.stem: path for folder in reversed(folders) for path in (CONFIGS / folder).glob("*.py")}
    return dict(sorted(files.items()))


def backbone_presets() -> dict[str, dict[str, dict[str, Any]]]:
    """Returns the named ``sizes`` and ``specializations`` of ``configs/backbones/``, each as fields by name."""
    return {kind: read_config(CONFIGS / "backbones" / f"{kind}.py")[kind] for kind in ("sizes", "specializations")}


def read_config(path: Path) -> dict[str, Any]:
    """Reads a config as mmengine's ``Config.fromfile(path).to_dict()`` does, dictionaries merged into their base.

    Names that begin with an underscore belong to the file alone and are left out.

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
        fields = merged(fields, read_config(path.parent / relative))
    return merged(fields, values)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Returns fields with changes, nested dictionaries merged; ``_delete_`` drops what a dictionary replaces."""
    fields = dict(base)
    for key, value in changes.items():
        if not isinstance(value, dict):
            fields[key] = value
            continue
        changed = {inner: entry for inner, entry in value.items() if inner != "_delete_"}
        below = fields.get(key)
        fields[key] = changed if value.get("_delete_") or not isinstance(below, dict) else merged(below, changed)
    return fields
