"""Lists in text files."""

from __future__ import annotations

from pathlib import Path


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a list that hold something."""
    return [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
